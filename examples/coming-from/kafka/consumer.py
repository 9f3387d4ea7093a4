"""A consumer of a group, such as `consumer.py billing`. Consumers of one group share the records. Each group gets them all."""

import sys

from dumbwaiter_http import call, consume

group = sys.argv[1] if len(sys.argv) > 1 else "billing"
call("PUT", "topics/payments")
# The group gets what is published from now on, whether a consumer runs or not.
queue = call("PUT", f"topics/payments/subscriptions/{group}")["queue"]
print(group, "is waiting", flush=True)


def show(record):
    print(record["group"], record["body"]["cents"], flush=True)


# A handled record is acked: that is its commit. One consumer at a time has the records of a key.
consume(queue, show)
