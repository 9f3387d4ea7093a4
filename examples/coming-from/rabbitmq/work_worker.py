"""Work queues: a worker that takes one task at a time. Start several: each task goes to one of them."""

import time

from dumbwaiter_http import call, consume


def resize(message):
    # Less than ten seconds: then another worker gets the task. A longer task extends its lease: POST /v1/queues/{queue}/extend.
    time.sleep(message["body"]["seconds"])
    print("resized", message["body"]["file"], flush=True)


call("PUT", "queues/resizes", {"visibilityTimeoutSeconds": 10})
consume("resizes", resize)
