"""RPC: answers requests. What the handler returns is the reply. Start several: each request goes to one of them."""

from dumbwaiter_http import call, consume

call("PUT", "queues/prices", {"keep": {"doneSeconds": 60}})
consume("prices", lambda message: len(message["body"]["dish"]) * 100)
