"""The peer: Celery's own client, as its users call it. ping_peer.py BROKER WORKERS TIMES"""
import json
import statistics
import sys
import time

import celery

broker, workers, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
app = celery.Celery(broker=broker)
app.control.inspect().ping()  # connects
took = []
for _ in range(times):
    begin = time.perf_counter()
    replies = app.control.inspect().ping()
    took.append((time.perf_counter() - begin) * 1000)
    assert len(replies) == workers, replies
print(json.dumps({"median": statistics.median(took)}), flush=True)
