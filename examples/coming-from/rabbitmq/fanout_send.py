"""Publish/subscribe: publishes a log line to a topic. Each receiver that runs gets it."""

import sys

from dumbwaiter_http import call, publish

call("PUT", "topics/logs")
line = sys.argv[1] if len(sys.argv) > 1 else "the shop is open"
print("sent to", publish("topics/logs", body=line)["subscriptions"])
