"""What boto3 does with a queue. Prints what it saw as one line of JSON. botocore checks the digest of each body."""
import json
import os

import boto3

sqs = boto3.client("sqs")
name = os.environ["QUEUE"]
seen = {}

dead = sqs.create_queue(QueueName=name + "-dead")["QueueUrl"]
dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 3})
url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy}, tags={"team": "a"})["QueueUrl"]

attributes = {
    "text": {"DataType": "String", "StringValue": "größe"},
    "number": {"DataType": "Number", "StringValue": "1.50"},
    "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
}
sqs.send_message(QueueUrl=url, MessageBody="one <&> 😀", MessageAttributes=attributes)
[message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageAttributeNames=["All"])["Messages"]
seen["body"] = message["Body"]
seen["attributes"] = {
    key: value.get("StringValue", list(value.get("BinaryValue", b""))) for key, value in message["MessageAttributes"].items()
}
sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
[again] = sqs.receive_message(QueueUrl=url, AttributeNames=["ApproximateReceiveCount"])["Messages"]
seen["receives"] = again["Attributes"]["ApproximateReceiveCount"]
sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])

entries = [{"Id": str(i), "MessageBody": f"m{i}"} for i in range(10)]
seen["sent"] = len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"])
messages = []
while len(messages) < 10:
    messages += sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20).get("Messages", [])
handles = [{"Id": str(i), "ReceiptHandle": one["ReceiptHandle"]} for i, one in enumerate(messages)]
seen["deleted"] = len(sqs.delete_message_batch(QueueUrl=url, Entries=handles)["Successful"])
seen["tags"] = sqs.list_queue_tags(QueueUrl=url)["Tags"]
seen["sources"] = sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]

# A message dies after its only receive, and a move task brings it back.
policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
failing = sqs.create_queue(QueueName=name + "-failing", Attributes={"RedrivePolicy": policy})["QueueUrl"]
sqs.send_message(QueueUrl=failing, MessageBody="poison")
sqs.receive_message(QueueUrl=failing, WaitTimeSeconds=20, VisibilityTimeout=0)
while "died" not in seen:
    sqs.receive_message(QueueUrl=failing)
    for one in sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1, VisibilityTimeout=0).get("Messages", []):
        seen["died"] = one["Body"]
sqs.start_message_move_task(SourceArn=dead_arn)
seen["moved"] = sqs.receive_message(QueueUrl=failing, WaitTimeSeconds=20)["Messages"][0]["Body"]

sqs.delete_queue(QueueUrl=url)
try:
    sqs.send_message(QueueUrl=url, MessageBody="too late")
except sqs.exceptions.QueueDoesNotExist as error:
    seen["refused"] = error.response["Error"]["Code"]
print(json.dumps(seen))
