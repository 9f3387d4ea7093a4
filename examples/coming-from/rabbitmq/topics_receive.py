"""Topics: prints messages whose subject matches, such as `topics_receive.py "kitchen.>"` or `topics_receive.py "*.*.error"`."""

import sys

from dumbwaiter_http import call, consume, subscribe_for_now


def show(message):
    print(f"{message['attributes']['subject']}: {message['body']}", flush=True)


call("PUT", "topics/events-by-subject")
with subscribe_for_now("events-by-subject", subject=sys.argv[1] if len(sys.argv) > 1 else ">") as queue:
    print("waiting", flush=True)
    consume(queue, show)
