"""The peer of queue-list: Python's redis client doing what aa-taskmonitor does with a queue, for 20 s at most. queue_peer.py PORT QUEUE TASK"""
import json
import sys
import time

import redis

port, queue, task = int(sys.argv[1]), sys.argv[2], sys.argv[3]
client = redis.Redis(port=port)
begin = time.perf_counter()
waiting = [(raw, json.loads(raw)["headers"]) for raw in reversed(client.lrange(queue, 0, -1))]
listed = time.perf_counter() - begin
begin = time.perf_counter()
gone = 0
for raw in client.lrange(queue, 0, -1):
    if json.loads(raw)["headers"]["task"] == task:
        gone += client.lrem(queue, 1, raw)
        if time.perf_counter() - begin > 20:
            break
print(json.dumps({"waiting": len(waiting), "listed": listed, "gone": gone, "removed": time.perf_counter() - begin}))
