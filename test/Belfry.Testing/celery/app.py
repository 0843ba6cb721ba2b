"""The cluster that tests look at: small tasks, one for each way in which a run can go."""
import os
import time

from celery import Celery, bootsteps, group, signals
from celery.exceptions import Ignore, Reject
from kombu import Exchange, Queue
from kombu.transport import pyamqp

app = Celery("lab", broker=os.environ["LAB_BROKER"])
app.conf.update(
    task_send_sent_event=True,
    task_ignore_result="LAB_RESULTS" not in os.environ,
    result_backend=os.environ.get("LAB_RESULTS"),
    result_extended="LAB_EXTENDED" in os.environ,
    broker_connection_retry_on_startup=True,
    worker_pool_restarts=True,
    task_queue_max_priority=int(os.environ["LAB_MAX_PRIORITY"]) if "LAB_MAX_PRIORITY" in os.environ else None,
    broker_transport_options={
        "visibility_timeout": int(os.environ.get("LAB_VISIBILITY", "3600")),
        **({"global_keyprefix": os.environ["LAB_PREFIX"]} if "LAB_PREFIX" in os.environ else {}),
        **({"master_name": os.environ["LAB_MASTER"], "sentinel_kwargs": {"password": os.environ["LAB_SENTINEL_PASSWORD"]}} if "LAB_MASTER" in os.environ else {}),
    },
)


if "LAB_QUORUM" in os.environ:
    # This version of Celery begins with a prefetch limit for the whole channel, which quorum queues refuse; later ones ask per consumer, as this makes it do.
    pyamqp.Transport.qos_semantics_matches_spec = lambda self, connection: True
    app.conf.task_queues = [Queue("celery", Exchange("celery"), routing_key="celery", queue_arguments={"x-queue-type": "quorum"})]


class Feeds(bootsteps.StartStopStep):
    """A component of the worker that tells of its health."""

    def info(self, worker):
        return {"lab-feeds": {"up": 1, "topics": ["alerts", "notices"], "password": "hunter2"}, "lab-lag": 0.25}


app.steps["worker"].add(Feeds)


@app.task(name="lab.ok")
def ok():
    return "fine"


@app.task(name="lab.add")
def add(x, y):
    return x + y


@app.task(name="lab.fail")
def fail(text="boom"):
    raise ValueError(text)


@app.task(name="lab.retry", bind=True, max_retries=3)
def retry(self, failures=1):
    """Fails so many times, then ends well."""
    if self.request.retries < failures:
        raise self.retry(exc=ConnectionError(f"try {self.request.retries + 1}"), countdown=0.1)
    return self.request.retries


@app.task(name="lab.sleep")
def sleep(seconds):
    time.sleep(seconds)
    return seconds


@app.task(name="lab.limited", time_limit=1)
def limited(seconds=30):
    """The pool kills it after a second."""
    time.sleep(seconds)


@app.task(name="lab.late", acks_late=True)
def late(seconds):
    """Acknowledged at its end only, so that a dead worker gives it back."""
    time.sleep(seconds)
    return seconds


@app.task(name="lab.silent", ignore_result=True)
def silent():
    """Leaves no result, whatever the application says."""


@app.task(name="lab.ignored")
def ignored():
    """Ends without an event, and without a record."""
    raise Ignore()


@app.task(name="lab.rejected")
def rejected():
    """So does this one."""
    raise Reject("no", requeue=False)


@app.task(name="lab.parent")
def parent():
    return add.delay(1, 2).id


@app.task(name="lab.fan")
def fan(count):
    """A group of which the last one fails."""
    return group([*(add.s(n, n) for n in range(count - 1)), fail.s()])().id


@app.task(name="lab.progress", bind=True)
def progress(self):
    for step in (1, 2):
        self.send_event("task-progress", current=step, total=2)
    return "done"


@app.task(name="lab.echo", bind=True)
def echo(self, *args, **kwargs):
    """What it was called with, and how."""
    asked = self.request
    return {
        "args": args, "kwargs": kwargs, "id": asked.id, "parent": asked.parent_id, "root": asked.root_id, "tenant": asked.get("tenant"),
        "argsrepr": asked.argsrepr, "kwargsrepr": asked.kwargsrepr, "priority": asked.delivery_info.get("priority"), "queue": asked.delivery_info.get("routing_key"),
        "retries": asked.retries, "from": asked.delivery_info.get("exchange"),
    }


@app.task(name="lab.total")
def total(numbers):
    return sum(numbers)


if "LAB_TELL" in os.environ:
    # A worker's log tells what it received and how it ended, but not what it began.
    @signals.task_prerun.connect
    def tell(task_id, task, **_):
        print(f"began {task.name}[{task_id}]")
