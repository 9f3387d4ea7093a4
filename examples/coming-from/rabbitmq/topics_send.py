"""Topics: publishes a message with a subject, such as `topics_send.py kitchen.oven.error "it is cold"`."""

import sys

from dumbwaiter_http import call, publish

subject, line = sys.argv[1:3] if len(sys.argv) > 2 else ("shop.door.info", "it is open")
call("PUT", "topics/events-by-subject")
print("sent to", publish("topics/events-by-subject", subject=subject, body=line)["subscriptions"])
