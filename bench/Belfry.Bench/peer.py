"""The peer: Celery's own receiver and State (what Flower is built on), on the same stream. peer.py BROKER EVENTS [patient]"""
import json
import sys
import time

import celery
from celery.events.state import State

broker, wanted = sys.argv[1], int(sys.argv[2])
app = celery.Celery(broker=broker)
if "patient" in sys.argv:  # its queue on RabbitMQ keeps everything, instead of 5 s
    app.conf.update(event_queue_ttl=3600, event_queue_expires=3600)
state = State(max_tasks_in_memory=10_000_000, max_workers_in_memory=1000)
seen = 0
begin = cpu = None


def on_event(event):
    global seen, begin, cpu
    if begin is None:
        begin, cpu = time.perf_counter(), time.process_time()
    state.event(event)
    seen += 1
    if seen == wanted:
        receiver.should_stop = True


with app.connection() as connection:
    receiver = app.events.Receiver(connection, handlers={"*": on_event})
    print(json.dumps({"queue": receiver.queue.name}), flush=True)
    try:
        receiver.capture(limit=None, timeout=20, wakeup=False)
    except OSError:  # silence for 20 s: the rest was lost
        pass
print(json.dumps({
    "events": seen,
    "seconds": time.perf_counter() - (begin or time.perf_counter()),
    "cpu": time.process_time() - (cpu or 0),
    "version": celery.__version__.split(" ")[0],
}), flush=True)
