"""Sends a mix of tasks at a steady pace to two queues until its input ends, and tells of each one a line: its task, a blank, its id.

load.py PACE MIX; the mix "told" has only tasks that leave an event or a record of their end, "whole" has all.
"""
import random
import select
import sys
import time

from app import app

pace, mix = float(sys.argv[1]), sys.argv[2]


def quick():
    return (round(random.uniform(0.02, 0.4), 2),)


# Of 150: how many, which, with what, and how.
kinds = [
    (70, "lab.sleep", quick, {}),
    (14, "lab.fail", tuple, {}),
    (9, "lab.retry", lambda: (1,), {}),
    (3, "lab.retry", lambda: (2,), {}),
    (8, "lab.sleep", lambda: (round(random.uniform(2, 6), 1),), {}),
    (8, "lab.late", lambda: (1,), {}),
    (10, "lab.ok", tuple, {"countdown": 4}),
    (3, "lab.ok", tuple, {"countdown": 2, "expires": 1}),
]
if mix == "whole":
    kinds += [(23, "lab.silent", tuple, {}), (1, "lab.ignored", tuple, {}), (1, "lab.rejected", tuple, {})]
deck = [kind for count, *kind in kinds for _ in range(count)]
random.seed(7)
random.shuffle(deck)

begin = time.monotonic()
for number in range(1_000_000):
    rest = begin + number / pace - time.monotonic()
    if select.select([sys.stdin], [], [], max(0, rest))[0]:
        break
    task, args, options = deck[number % len(deck)]
    try:
        sent = app.send_task(task, args(), queue=("celery", "second")[number % 2], **options)
        print(f"{task}{'!' if 'expires' in options else ''} {sent.id}", flush=True)
    except Exception as problem:  # the broker is away: it may have been sent all the same
        print(f"not sent: {problem!r}", file=sys.stderr, flush=True)
