"""An engine that breaks the protocol of docs/engines.md in the way that its argument names."""

import json
import os
import sys
import time

PRIME = 2**61 - 1
CONTROL = "a\x1b[31mb\x07\r\x85\u202ec\u2066d"
HELLO = {"protocol": 1, "engine": "hostile", "version": "1", "baseline": "loop",
         "backends": [{"name": "loop", "summary": "one after the other", "max_workers": 1}],
         "kernels": ["iterative"]}


def fib(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def hang():
    time.sleep(1000)


def fork():
    """A child outlives the engine and holds its streams open."""
    if os.fork() == 0:
        hang()
    say(json.dumps(HELLO) + "\n")
    os._exit(0)


def flood():
    while True:
        say("{}\n" * 10000)


def endless_line():
    while True:
        say("x" * 65536)


def deaf():
    say(json.dumps(HELLO) + "\n")
    hang()


def die_with_control():
    sys.stderr.write(CONTROL + "\n")
    sys.exit(3)


BAD_START = {"hang": hang, "fork": fork, "flood": flood, "endless-line": endless_line,
             "deaf": deaf, "stderr": die_with_control}
BAD_HELLO = {"name": {"engine": CONTROL}, "version": {"version": CONTROL},
             "baseline": {"baseline": CONTROL}, "kernel": {"kernels": ["iterative", CONTROL]},
             "summary": {"backends": [dict(HELLO["backends"][0], summary=CONTROL)]},
             "backend": {"backends": [dict(HELLO["backends"][0], name=CONTROL)]}}


def run(repeats, indices):
    start = time.perf_counter_ns()
    for _ in range(repeats):
        numbers = [fib(n) for n in indices]
    wall_ns = time.perf_counter_ns() - start
    digest = 0
    for number in numbers:
        digest = (digest * 1000003 + number) % PRIME
    reply = {"wall_ns": wall_ns, "digest": str(digest)}
    return reply | {"wall_ns": -1} if MODE == "negative" else reply


def answer(request):
    if MODE == "refuse" and request["op"] != "hello":
        return {"error": CONTROL}
    if request["op"] == "hello":
        return HELLO | BAD_HELLO.get(MODE, {})
    if request["op"] == "build":
        return {"wall_ns": 1}
    if request["op"] == "load":
        LOADED[:] = request["indices"]
        return {"items": len(LOADED)}
    return run(request["repeats"], LOADED)


MODE = sys.argv[1]
LOADED = []
for line in sys.stdin:
    BAD_START.get(MODE, lambda: None)()
    say(json.dumps(answer(json.loads(line))) + "\n")
