"""Publish/subscribe: prints the log lines that are published while it runs. It has a queue of its own, which ends with it."""

from dumbwaiter_http import call, consume, subscribe_for_now

call("PUT", "topics/logs")
with subscribe_for_now("logs") as queue:
    print("waiting", flush=True)
    consume(queue, lambda message: print("received", message["body"], flush=True))
