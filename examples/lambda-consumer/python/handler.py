"""A handler that was written for SQS. If it raises, its whole batch fails and is delivered again."""

import json
import sys


def handler(event, context):
    for record in event["Records"]:
        send(json.loads(record["body"]))


def send(mail):
    if "@" not in mail["to"]:
        raise ValueError(f"{mail['to']} is no address")
    print(f"mail to {mail['to']}", file=sys.stderr)
