"""Point to point: sends messages to a queue, with a property and a priority, the last one for later."""

from dumbwaiter_http import call, publish

call("PUT", "queues/bookings", {"priority": {"levels": 10}})
publish("queues/bookings", body="table for two", priority=4, attributes={"room": "garden"})
publish("queues/bookings", body="table for nine", priority=9, attributes={"room": "hall"})
publish("queues/bookings", body="call back", priority=4, delaySeconds=1)
print("sent 3")
