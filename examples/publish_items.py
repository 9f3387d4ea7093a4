"""Publishes in your own transaction, with boto3: the order and its messages are stored together, or not at all."""
import base64
import json
import os
import urllib.request

import boto3


def value_of(value):
    """Converts a value for boto3. Bytes are base64 in JSON, and boto3 encodes bytes itself. Bytes that are encoded twice are unreadable."""
    if "B" in value:
        return {"B": base64.b64decode(value["B"])}
    if "L" in value:
        return {"L": [value_of(one) for one in value["L"]]}
    if "M" in value:
        return {"M": {name: value_of(one) for name, one in value["M"].items()}}
    return value


def entry_of(entry):
    """Converts an entry of TransactWriteItems for boto3."""
    put = entry["Put"]
    values = {name: value_of(one) for name, one in put["Item"].items()}
    terms = put.get("ExpressionAttributeValues")
    others = {} if terms is None else {"ExpressionAttributeValues": {name: value_of(one) for name, one in terms.items()}}
    return {"Put": {**put, "Item": values, **others}}


def items_for(queue, messages):
    request = urllib.request.Request(
        f"{os.environ['DUMBWAITER_URL']}/v1/queues/{queue}/publish-items",
        json.dumps({"messages": messages}).encode(),
        {"authorization": f"Bearer {os.environ['DUMBWAITER_API_KEY']}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


bodies = json.loads(os.environ.get("BODIES", '["soup"]'))
answer = items_for(os.environ.get("QUEUE", "orders"), [{"body": body} for body in bodies])
order = {"Put": {"TableName": os.environ.get("ORDERS_TABLE", "orders"), "Item": {"id": {"S": answer["ids"][0]}}}}
boto3.client("dynamodb").transact_write_items(TransactItems=[order, *map(entry_of, answer["items"])])
print(json.dumps(answer["ids"]))
