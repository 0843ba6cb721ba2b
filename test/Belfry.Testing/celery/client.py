"""Sends tasks and control commands for the tests: a JSON object a line in, one a line out."""
import json
import sys

import app as lab
from app import app
from celery import chain, chord, group

for line in sys.stdin:
    ask = json.loads(line)
    try:
        if ask["do"] == "send":
            sent = app.send_task(ask["task"], tuple(ask.get("args") or ()), ask.get("kwargs"), **ask.get("options", {}))
            answer = {"id": sent.id}
        elif ask["do"] == "evaluate":
            answer = {"value": eval(ask["expression"], {**vars(lab), "chain": chain, "chord": chord, "group": group, "result": app.AsyncResult})}
        elif ask["do"] == "many":
            answer = {"ids": [app.send_task(ask["task"], tuple(ask["args"])).id for _ in range(ask["count"])]}
        elif ask["do"] == "revoke":
            app.control.revoke(ask["id"], terminate=ask.get("terminate", False), signal=ask.get("signal", "SIGTERM"))
            answer = {}
        else:
            answer = {"replies": app.control.broadcast(ask["do"], arguments=ask.get("arguments"), reply=True, timeout=ask.get("timeout", 2))}
    except Exception as problem:  # the test names what failed
        answer = {"problem": repr(problem)}
    print(json.dumps(answer), flush=True)
