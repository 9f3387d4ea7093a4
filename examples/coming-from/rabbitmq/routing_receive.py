"""Routing: prints the log lines of some severities, such as `routing_receive.py warning error`."""

import sys

from dumbwaiter_http import call, consume, subscribe_for_now


def show(message):
    print(f"{message['attributes']['severity']}: {message['body']}", flush=True)


call("PUT", "topics/logs-by-severity")
with subscribe_for_now("logs-by-severity", filter={"severity": sys.argv[1:]}) as queue:
    print("waiting", flush=True)
    consume(queue, show)
