"""Filters over HTTP, without packages: a subscription gets only some messages of its topic, by their attributes."""
import json
import os
import urllib.request


def call(method, path, body):
    request = urllib.request.Request(
        f"{os.environ['DUMBWAITER_URL']}/v1/topics/{path}",
        json.dumps(body).encode(),
        {"authorization": f"Bearer {os.environ['DUMBWAITER_API_KEY']}", "content-type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


call("PUT", "sales-in-python", {})
call("PUT", "sales-in-python/subscriptions/loud", {"filter": {
    "level": ["error", {"prefix": "warn"}],
    "source": [{"anything-but": {"suffix": "-test"}}],
    "address": [{"cidr": "10.0.0.0/8"}, {"exists": False}],
}})
for attributes in ({"level": "warning", "source": "shop"}, {"level": "error", "source": "shop-test"}):
    answer = call("POST", "sales-in-python/subscriptions/loud/test", {"body": "", "attributes": attributes})
    print(answer["matches"], answer.get("failed", {}).get("path"))
