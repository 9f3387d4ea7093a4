"""What every generated client must be able to do. Prints what it saw as one line of JSON."""
import json
import os
import time

import dumbwaiter_client as dw

client = dw.ApiClient(dw.Configuration(host=os.environ["DUMBWAITER_URL"], access_token=os.environ["DUMBWAITER_API_KEY"]))
queues, messages, redrives = dw.QueuesApi(client), dw.MessagesApi(client), dw.RedriveApi(client)
queue, dead = os.environ["QUEUE"], os.environ["QUEUE"] + "-dead"
seen = {}


def code_of(result):
    return "ok" if result.ok else result.code


def content_of(message):
    attributes = {name: value.actual_instance for name, value in message.attributes.items()}
    return {"body": message.body, "bytes": message.body_base64, "attributes": attributes}


queues.create_queue(dead)
queues.create_queue(queue, dw.CreateQueueInput(dead_letter=dw.DeadLetterInput(queue=dead)))

attributes = {"kind": dw.AttributeValue("text"), "size": dw.AttributeValue(3)}
entries = [
    dw.PublishEntry(body={"order": 1}, attributes=attributes),
    dw.PublishEntry(body_base64="AAH/"),
    dw.PublishEntry(body=None),
    dw.PublishEntry(body=2, id=".."),
]
seen["published"] = [code_of(result) for result in messages.publish(queue, dw.PublishInput(messages=entries)).results]

received = messages.receive(queue, dw.ReceiveInput(max=10)).messages
seen["received"] = [content_of(message) for message in received]

acked = messages.ack(queue, dw.AckInput(receipts=[received[0].receipt, "nonsense"]))
seen["acked"] = [code_of(result) for result in acked.results]
released = messages.release(queue, dw.ReleaseInput(receipts=[received[1].receipt])).results[0]
seen["released"] = released.visible_at is not None
rejected = messages.release(queue, dw.ReleaseInput(receipts=[received[2].receipt], failed="broken", dead_letter=True)).results[0]
seen["deadLettered"] = rejected.dead_lettered

later = dw.PublishEntry(id="later", body={"a": 1}, attributes=attributes, delay_seconds=3600)
messages.publish(queue, dw.PublishInput(messages=[later]))
messages.update_message(queue, "later", dw.UpdateMessageInput(delay_seconds=7200))
seen["putOff"] = content_of(messages.get_message(queue, "later"))
messages.update_message(queue, "later", dw.UpdateMessageInput(content=dw.NewContent(body={"a": 2})))
seen["edited"] = content_of(messages.get_message(queue, "later"))

task = redrives.redrive(dead, dw.RedriveInput(reason="rejected"))
while task.state == "running":
    time.sleep(0.05)
    task = redrives.get_redrive(dead, task.id)
seen["redriven"] = [task.state, task.moved]

try:
    queues.get_queue(queue + "-missing")
except dw.ApiException as error:
    seen["refused"] = [error.status, json.loads(error.body)["code"]]
print(json.dumps(seen))
