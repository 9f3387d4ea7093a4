"""Hello: sends one message to a queue."""

from dumbwaiter_http import call, publish

call("PUT", "queues/hello")
publish("queues/hello", body="Good morning")
print("sent Good morning")
