"""Point to point: receives with a time limit, and acks after the work, as CLIENT_ACKNOWLEDGE does."""

from dumbwaiter_http import call

call("PUT", "queues/bookings", {"priority": {"levels": 10}})
while messages := call("POST", "queues/bookings/receive", {"waitSeconds": 3})["messages"]:
    [message] = messages
    print(f"{message['body']} ({message['attributes'].get('room', 'no room')})", flush=True)
    call("POST", "queues/bookings/ack", {"receipts": [message["receipt"]]})
