"""Publish/subscribe: a durable subscriber with a selector, here `price >= 5`. It also gets what comes while it does not run."""

import sys

from dumbwaiter_http import call, consume

call("PUT", "topics/stock-prices")
name = sys.argv[1] if len(sys.argv) > 1 else "ledger"
path = f"topics/stock-prices/subscriptions/{name}"
queue = call("PUT", path, {"filter": {"price": [{"numeric": [">=", 5]}]}})["queue"]
print("subscribed", flush=True)
consume(queue, lambda message: print(message["body"], flush=True))
