"""The calls of the Python programs here: plain HTTP, with the standard library only."""

import contextlib
import json
import os
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("DUMBWAITER_URL", "http://127.0.0.1:8420")
HEADERS = {"authorization": f"Bearer {os.environ.get('DUMBWAITER_API_KEY', '')}", "content-type": "application/json"}


def call(method, path, body=None):
    """Calls `/v1/{path}` and returns the answer. A refusal raises an error that names the field and the limit."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URL}/v1/{path}", data, HEADERS, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise RuntimeError(error.read().decode()) from None


def publish(destination, **message):
    """Publishes to `queues/{queue}` or `topics/{topic}`, and returns the result."""
    [result] = call("POST", f"{destination}/publish", {"messages": [message]})["results"]
    if not result["ok"]:
        raise RuntimeError(result["message"])
    return result


def consume(queue, handle):
    """Passes messages to `handle`, one at a time, until Ctrl+C. What `handle` returns is the result of the message."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            for message in call("POST", f"queues/{queue}/receive", {"waitSeconds": 20})["messages"]:
                receipts = [message["receipt"]]
                try:
                    result = handle(message)
                except Exception as error:  # The message comes again after the backoff of the queue.
                    call("POST", f"queues/{queue}/release", {"receipts": receipts, "failed": str(error)})
                else:
                    call("POST", f"queues/{queue}/ack", {"receipts": receipts, "result": result})


@contextlib.contextmanager
def subscribe_for_now(topic, **terms):
    """Subscribes while the `with` block runs. Gives the queue of the subscription, which ends by itself after a crash."""
    path = f"topics/{topic}/subscriptions/{uuid.uuid4()}"
    queue = call("PUT", path, {**terms, "expiresAfterSeconds": 600})["queue"]
    try:
        yield queue
    finally:
        call("DELETE", path)
