"""A Celery app on Dumbwaiter, by Celery's transport for SQS. It finds the server by AWS_ENDPOINT_URL_SQS."""
import os
import time

from celery import Celery

app = Celery("tasks", broker="sqs://")
app.conf.update(
    task_default_queue=os.environ.get("QUEUE", "celery"),
    # A worker that dies leaves its tasks to the others, when the visibility timeout is over.
    task_acks_late=True,
    broker_transport_options={
        # Longer than the longest task, and than the longest countdown.
        "visibility_timeout": int(os.environ.get("VISIBILITY_TIMEOUT", "60")),
        "wait_time_seconds": 20,
        # Otherwise a busy worker asks for tasks once a second.
        "polling_interval": 0.1,
    },
    # SQS has no broadcast, which remote control needs.
    worker_enable_remote_control=False,
)


results = os.environ.get("RESULTS", "results.txt")


def note(text):
    """Adds a line to the results. Lines of several processes do not mix."""
    with open(results, "a") as file:
        file.write(f"{text}\n")


@app.task
def square(number):
    note(f"square {number} {number * number}")


@app.task(bind=True, max_retries=3, default_retry_delay=1)
def flaky(self, name):
    """Fails at its first try."""
    if self.request.retries == 0:
        raise self.retry(exc=RuntimeError("not yet"))
    note(f"flaky {name} {self.request.retries}")


@app.task
def slow(name):
    """Runs forever at its first try, until its worker is killed."""
    with open(results, "a+") as file:
        file.seek(0)
        is_first = f"begun {name}" not in file.read()
    note(f"begun {name}")
    if is_first:
        time.sleep(3600)
    note(f"slow {name}")
