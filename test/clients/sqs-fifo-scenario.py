"""What boto3 does with a FIFO queue. Prints what it saw as one line of JSON."""
import json
import os

import boto3
from botocore.exceptions import ClientError

sqs = boto3.client("sqs")
seen = {}
names = ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope"]

url = sqs.create_queue(
    QueueName=os.environ["QUEUE"] + ".fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"}
)["QueueUrl"]
seen["attributes"] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]


def receive(most=10, **more):
    asked = {"MessageSystemAttributeNames": ["All"], "MaxNumberOfMessages": most, **more}
    return sqs.receive_message(QueueUrl=url, **asked).get("Messages", [])


def bodies(messages):
    return [one["Body"] for one in messages]


first = sqs.send_message(QueueUrl=url, MessageBody="a0", MessageGroupId="a")
second = sqs.send_message(QueueUrl=url, MessageBody="a0", MessageGroupId="a")
seen["duplicate"] = first["MessageId"] == second["MessageId"] and first["SequenceNumber"] == second["SequenceNumber"]
entries = [{"Id": str(i), "MessageBody": f"a{i}", "MessageGroupId": "a"} for i in range(1, 5)]
sqs.send_message_batch(QueueUrl=url, Entries=entries)

[held] = receive(1)
seen["blocked"] = bodies(receive())
sqs.send_message(QueueUrl=url, MessageBody="b0", MessageGroupId="b")
others = receive()
seen["others"] = bodies(others)
sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=held["ReceiptHandle"], VisibilityTimeout=0)
[again] = receive(1)
seen["again"] = [again["Body"], again["Attributes"]["ApproximateReceiveCount"]]
sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"], VisibilityTimeout=0)

received = []
while len(received) < 5:
    messages = receive(WaitTimeSeconds=20)
    received += messages
    for one in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
seen["order"] = bodies(received)
numbers = [int(one["Attributes"]["SequenceNumber"]) for one in received]
seen["growing"] = numbers == sorted(set(numbers)) and numbers[0] == int(first["SequenceNumber"])

seen["refused"] = []
without_group = [{"Id": "0", "MessageBody": "x"}, {"Id": "1", "MessageBody": "y", "MessageGroupId": "a"}]
for refused in (
    lambda: sqs.send_message_batch(QueueUrl=url, Entries=without_group),
    lambda: sqs.send_message(QueueUrl=url, MessageBody="z", MessageGroupId="a", DelaySeconds=5),
):
    try:
        refused()
    except ClientError as error:
        seen["refused"].append(error.response["Error"]["Code"])
print(json.dumps(seen))
