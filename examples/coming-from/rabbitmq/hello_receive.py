"""Hello: prints each message of a queue. `consume` acks it when the handler returns."""

from dumbwaiter_http import call, consume

call("PUT", "queues/hello")
consume("hello", lambda message: print("received", message["body"], flush=True))
