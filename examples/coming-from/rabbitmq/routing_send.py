"""Routing: publishes a log line with a severity, such as `routing_send.py error "the oven is cold"`."""

import sys

from dumbwaiter_http import call, publish

severity, line = sys.argv[1:3] if len(sys.argv) > 2 else ("info", "the shop is open")
call("PUT", "topics/logs-by-severity")
result = publish("topics/logs-by-severity", body=line, attributes={"severity": severity})
print("sent to", result["subscriptions"])
