"""The table of cases. A case is a list of plans, or a function that carries out several plans which
depend on each other. Faults come from limits, signals, sinks, system calls and neighbours."""

import json
import os
import subprocess
import time
from dataclasses import dataclass, replace
from signal import SIGCONT, SIGINT, SIGKILL, SIGSEGV, SIGSTOP, SIGTERM, SIGTSTP

from .run import Plan, children, peak_kb, records

SMALL, SMALL_ARGS = range(0, 1501), "batch 0..=1500"
LONG, LONG_ARGS = range(9000, 11001), "batch 9000..=11000 -k iterative"
OLD = b"the old contents\n"
LIMITED = (0, 3, 4)  # right, or one clear refusal
FAULTY = (0, 1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Case:
    name: str
    plans: object         # a list of plans, or a function (lab, backend, random) -> runs
    scope: str = "all"    # of backends: "all", "processes", or "any" if the backend does not matter
    short: int = 1        # rounds of the short form, and of the full form
    full: int = 1
    note: str = ""        # what is expected, if the exit codes of the plans do not say it
    counted: bool = True  # whether each run without signals and strace is one fault
    patient: bool = False  # whether it mostly waits
    needs: object = None  # a function that says why the case cannot run here


def shell(redirection):
    """The program with a redirection that only a shell can write."""
    return ("sh", "-c", f'exec "$@" {redirection}', "sh")


def limit(*flags):
    return ("prlimit", *flags)


# Bad input

def endless(part):
    def parts(_):
        while True:
            yield part
    return parts


def bad(token):
    """A bad token as an argument, in a file and on standard input: nothing is computed."""
    plan = Plan(["batch", "--", token], (2,), (), seconds=2)
    raw = token if isinstance(token, bytes) else token.encode()
    return [plan] * (b"\0" not in raw) + [
        replace(plan, args="batch --in specs", files={"specs": b"# first\n" + raw + b"\n"}),
        replace(plan, args="batch -", stdin=raw + b"\n")]


BAD_TOKENS = {"a negative number": "-5", "1e6": "1e6", "0x10": "0x10", "full-width digits": "１２",
              "more than 64 bits": "18446744073709551616", "a reversed range": "9..3",
              "a reversed range =": "9..=3", "NUL": b"1\x002", "invalid UTF-8": b"\xff\xfe7",
              "control characters": "1\x1b[31m\u202e"}

REFUSED = Plan("", (2,), (), seconds=2)
BAD_PLACES = {
    "a folder": [replace(REFUSED, args="batch --in ."),
                 replace(REFUSED, args="batch -", wrap=shell("<."))],
    "a missing file": [replace(REFUSED, args="batch --in missing")],
    "an endless line": [replace(REFUSED, args="batch --in /dev/zero"),
                        replace(REFUSED, args="batch -", stdin=endless(b"7" * 65536))],
    "unknown flags, bad worker counts": [replace(REFUSED, args="batch --no-such-flag"),
                                 replace(REFUSED, args="batch 5 -w 0"),
                                 replace(REFUSED, args="batch 5 -w 1025")],
}

GOOD_TEXTS = {b"1\r\n2\r\n": (1, 2), b"\xef\xbb\xbf3 4\n": (3, 4), b"\n\n5\n \n": (5,),
              b"# no\n6 # six\n": (6,), b"7\n8": (7, 8), b"2x9 0..=1\n": (9, 9, 0, 1)}
GOOD_INPUT = [plan for text, numbers in GOOD_TEXTS.items() for plan in (
    Plan("batch -", numbers=numbers, stdin=text),
    Plan("batch --in specs", numbers=numbers, files={"specs": text}))]


def input_cases():
    for name, token in BAD_TOKENS.items():
        yield Case(f"input: {name}", bad(token), "any")
    for name, plans in BAD_PLACES.items():
        yield Case(f"input: {name}", plans, "any")
    yield Case("input: CRLF, BOM, blanks, comments", GOOD_INPUT, counted=False)


# Limits

def address_space(megabytes, workers):
    return Plan(f"{SMALL_ARGS} -w {workers}", LIMITED, SMALL, limit(f"--as={megabytes << 20}"))


def as_user(*command):
    """Runs the command as a user without other processes, so that only its own processes count."""
    return ("setpriv", "--reuid={uid}", "--regid={uid}", "--clear-groups", *command)


HUGE = 10**12
EARLY = [Plan(f"calc {HUGE}", (3,), (), peak_mb=50, seconds=2),
         Plan(f"batch 5 {HUGE}", (3,), (), peak_mb=50, seconds=2),
         Plan("batch 0..=18446744073709551615", (3,), (), peak_mb=50, seconds=2),
         Plan("calc 100000000 --max-memory 1M", (3,), (), seconds=2),
         Plan("batch 5 100 --max-index 50", (3,), (), seconds=2)]


def in_cgroup(lab, backend, random):
    """A memory cgroup of 64 MB, made inside the one that --cgroup names."""
    group = lab.options.cgroup / f"fib-torture-{os.getpid()}-{random.getrandbits(32)}"
    group.mkdir()
    try:
        file = next(name for name in ("memory.max", "memory.limit_in_bytes")
                    if (group / name).exists())
        (group / file).write_text(str(64 << 20))
        wrap = ("sh", "-c", f'echo $$ >{group}/cgroup.procs; exec "$@"', "sh")
        plans = [Plan(SMALL_ARGS, LIMITED, SMALL, wrap),
                 Plan("batch 1000000000", (3,), (), wrap)]
        return [lab.run(plan, backend, random) for plan in plans]
    finally:
        group.rmdir()


def no_cgroup(lab):
    return not lab.options.cgroup and "give a memory cgroup with --cgroup"


def limit_cases():
    yield Case("limit: absurd requests", EARLY, "any")
    late = Plan("batch 2000x20000 -k iterative --timeout 0.3", (124,), (20000,) * 2000, seconds=5)
    yield Case("limit: --timeout 0.3", [late])
    for workers in (2, 64):
        plans = [address_space(64 << step, workers) for step in range(5)]
        yield Case(f"limit: address space 64 MB to 1 GB, -w {workers}", plans, full=6)
    plans = [Plan(f"{SMALL_ARGS} -w 16", LIMITED, SMALL, as_user("prlimit", f"--nproc={n}"))
             for n in (1, 2, 3, 4, 6, 12)]
    yield Case("limit: 1 to 12 processes and threads", plans, full=4)
    few = Plan(f"{SMALL_ARGS} -w 8", LIMITED, SMALL, limit("--nofile={n}"), draw=(3, 32))
    yield Case("limit: 3 to 32 open files", [few], short=6, full=60)
    yield Case("limit: no file can be opened", [replace(few, draw=(3, 3))])
    cpu = str(min(os.sched_getaffinity(0)))
    yield Case("limit: one CPU", [Plan(SMALL_ARGS, (0,), SMALL, ("taskset", "-c", cpu))])
    yield Case("limit: a cgroup of 64 MB", in_cgroup, note="0 or 3", needs=no_cgroup)


# Signals

def moment(run, longest=0.25):
    """Waits until a random moment; half of all moments are in the first 10 ms."""
    time.sleep(run.random.uniform(0, run.random.choice([0.01, longest])))


def to_program(*kinds):
    def act(run):
        for kind in kinds:
            moment(run)
            run.signal(kind, group=run.random.random() < 0.5 and kind == SIGINT)
    return act


def a_worker(run):
    """A random worker, as soon as there is one."""
    while not run.ended():
        if workers := children(run.pid):
            return run.random.choice(workers)
        time.sleep(0.0002)
    return None


def to_worker(kind, times=1, early=False):
    def act(run):
        for _ in range(times):
            if a_worker(run):
                moment(run, 0.01 if early else 0.15)
            if worker := a_worker(run):
                run.signal(kind, worker)
    return act


def storm(run):
    """Kills every worker that appears, for two seconds."""
    until = time.monotonic() + 2
    while time.monotonic() < until and (worker := a_worker(run)):
        run.signal(SIGKILL, worker)
        time.sleep(0.002)


def stopped_worker_then_kill(run):
    to_worker(SIGSTOP)(run)
    run.signal(SIGKILL)


def suspend(run):
    """Ctrl-Z for a second, and fg."""
    moment(run)
    run.signal(SIGTSTP, group=True)
    time.sleep(1)
    run.signal(SIGCONT, group=True)


def later(kind):
    def act(run):
        time.sleep(0.05 + run.random.uniform(0, 0.1))
        run.signal(kind)
    return act


BATCH = Plan(LONG_ARGS, (0,), LONG)
TO_FILE = replace(BATCH, args=f"{LONG_ARGS} --out out", out="out")
TO_OLD_FILE = replace(TO_FILE, files={"out": OLD})


def signal_cases():
    for kinds, code, whole in [([SIGINT], 130, True), ([SIGTERM], 143, True),
                               ([SIGINT, SIGINT], 130, False), ([SIGTERM, SIGINT], 143, False),
                               ([SIGKILL], -9, False)]:
        name = " and ".join(kind.name for kind in kinds)
        also = (130,) if SIGTERM in kinds and SIGINT in kinds else ()
        plan = replace(BATCH, act=to_program(*kinds), codes=(0, code, *also), whole=whole, seconds=5)
        yield Case(f"signal: {name}", [plan], short=2, full=12)
        files = [replace(file, act=plan.act, codes=plan.codes, seconds=5)
                 for file in (TO_FILE, TO_OLD_FILE)]
        yield Case(f"signal: {name}, with --out", files, short=1, full=6)
    ignored = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")
    yield Case("signal: SIGINT that is ignored",
               [replace(BATCH, wrap=ignored, act=later(SIGINT))], full=4)
    slow = f"{LONG_ARGS} --stall-limit 0.5"
    yield Case("signal: Ctrl-Z for 1 s, then fg", [replace(BATCH, args=slow, act=suspend)],
               patient=True, full=4)


def worker_cases():
    slow = f"{LONG_ARGS} --stall-limit 1"
    for kind, rounds in (SIGKILL, 8), (SIGSEGV, 4), (SIGSTOP, 2):
        plan = replace(BATCH, args=slow)
        for early, when in (True, "in its first 10 ms"), (False, "later"):
            act = to_worker(kind, early=early)
            yield Case(f"worker: {kind.name} {when}", [replace(plan, act=act)], "processes",
                       short=rounds, full=8 * rounds, patient=kind == SIGSTOP)
    three = replace(BATCH, act=to_worker(SIGKILL, times=3))
    yield Case("worker: SIGKILL three times", [three], "processes", short=4, full=30)
    yield Case("worker: SIGKILL every 2 ms for 2 s",
               [replace(BATCH, act=storm, codes=(0, 1, 4))], "processes", full=4)
    both = replace(BATCH, act=stopped_worker_then_kill, codes=(0, -9), whole=False)
    yield Case("worker: SIGSTOP, and program: SIGKILL", [both], "processes", short=4, full=20)


# Sinks

FULL_SINKS = {"/dev/full": ">/dev/full", "a closed stdout": ">&-",
              "a read-only stdout": "1</dev/null", "a folder as stdout": "1<."}


def sink_cases():
    for name, redirection in FULL_SINKS.items():
        yield Case(f"sink: {name}", [Plan(SMALL_ARGS, (5,), SMALL, shell(redirection))])
    folder = Plan(f"{SMALL_ARGS} --out out", (5,), SMALL, as_user(), out="out", mode=0o555)
    yield Case("sink: a read-only folder, with --out", [folder])
    places = [Plan(f"{SMALL_ARGS} --out {place}", (5,), ()) for place in
              ("/dev/full", ".", "missing/out")]
    yield Case("sink: --out /dev/full, a folder, nowhere", places)
    yield Case("sink: a reader that closes (head -1)",
               [Plan(SMALL_ARGS, (0,), reader=1, after=lines(1))])
    pipe = ("{python}", "-c", NONBLOCKING)
    yield Case("sink: a slow pipe that does not block",
               [Plan(SMALL_ARGS, (0,), SMALL, pipe, reader="slow")], patient=True)
    size = ("prlimit", "--fsize={n}", *shell(">stdout"))
    yield Case("sink: a file size limit on stdout",
               [Plan(SMALL_ARGS, (5,), SMALL, size, draw=(1, 150000), out="stdout", whole=False)],
               short=2, full=6)
    yield Case("sink: a file size limit, with --out",
               [Plan(f"{SMALL_ARGS} --out out", (5,), SMALL, size[:2], draw=(1, 150000), out="out")],
               short=2, full=6)
    yield Case("sink: a closed stderr", [
        Plan(SMALL_ARGS, (0,), SMALL, shell("2>&-")),
        Plan(f"{SMALL_ARGS} -w 64 --out out", LIMITED, SMALL,
             ("prlimit", "--nofile=24", *shell("2>&-")), out="out"),
        Plan("batch nonsense", (2,), (), shell("2>&-"))])
    yield Case("sink: a closed stdin", [Plan(SMALL_ARGS, (0,), SMALL, shell("<&-")),
                                        Plan("batch -", (0, 2), (), shell("<&-"))])


NONBLOCKING = "import os, sys; os.set_blocking(1, False); os.execv(sys.argv[1], sys.argv[1:])"


def lines(count):
    """Checks the first lines of a longer output."""
    def after(run):
        expected = records(SMALL if "0..=1500" in run.plan.args else (90,) * count)
        wanted = b"".join(expected.splitlines(True)[:count])
        return run.stdout != wanted and f"the first {count} lines are wrong"
    return after


# Faults of system calls

def strace(calls, error, when="{n}", path=None):
    only = ("-P", path) if path else ()
    return ("strace", "-f", "-qq", "-o", "{log}", *only, "-e", f"trace={calls}",
            "-e", f"inject={calls}:error={error}:when={when}")


def must_fail(code):
    """The fault makes the result impossible, so the program must report it if it was injected."""
    def after(run):
        if run.injected() and run.code() != code:
            return f"the fault was injected, but the exit code is {run.code()}, expected {code}"
        return None
    return after


# The call, the error, the last call that may fail, and whether calls before `main` must work: what
# the loader and the runtime do when they fail there is not up to the program. Nor is the second mmap of
# a thread, its signal stack: without it the standard library aborts.
CALLS = [("write", "ENOSPC", 40, ""), ("write", "EIO", 40, ""), ("openat", "EMFILE", 25, "openat"),
         ("mmap", "ENOMEM", 12, "mmap"), ("clone3,clone,vfork", "EAGAIN", 5, ""),
         ("read", "EIO", 50, "read"), ("memfd_create", "EMFILE", 2, ""),
         ("memfd_create", "ENOSYS", 2, "")]


def no_strace(_):
    try:
        words = ["strace", "-qq", "-o", "/dev/null", "true"]
        tried = subprocess.run(words, capture_output=True, check=False)
        return tried.returncode != 0 and "strace cannot trace"
    except OSError:
        return "no strace"


def system_call_cases():
    def case(name, plan, **more):
        return Case(f"call: {name}", [plan], needs=no_strace, patient=True, **more)
    for calls, error, last, late in CALLS:
        for when, every in ("{n}", "once"), ("{n}+", "from then on"):
            plan = Plan(f"{SMALL_ARGS} -w 2", FAULTY, SMALL, strace(calls, error, when),
                        draw=(1, last), late=late)
            yield case(f"{calls.split(',')[0]} {error}, {every}", plan, short=1, full=10)
    for error in "EINTR", "EAGAIN":
        plan = Plan(f"{SMALL_ARGS} -w 2", (0,), SMALL, strace("write", error), draw=(1, 30))
        yield case(f"write {error} once", plan, short=2, full=10)
    for error in "ENOSPC", "EIO":
        wrap = (*strace("write", error, path="stdout"), *shell(">stdout"))
        plan = Plan(SMALL_ARGS, (0, 5), SMALL, wrap, draw=(1, 6), out="stdout", after=must_fail(5))
        yield case(f"write {error} on stdout", plan, short=2, full=10)
    for calls in "fsync,fdatasync", "rename,renameat,renameat2":
        plan = replace(TO_OLD_FILE, args=f"{SMALL_ARGS} --out out", numbers=SMALL, codes=(0, 5),
                       wrap=strace(calls, "EIO", "1+"), after=must_fail(5))
        yield case(f"{calls.split(',')[0]} EIO, with --out", plan, full=2)
    wrap = (*strace("read", "EIO", path="input"), *shell("<input"))
    plan = Plan("batch -", (0, 2), (90,) * 100000, wrap, draw=(1, 8),
                files={"input": b"90\n" * 100000}, after=must_fail(2))
    yield case("read EIO on stdin", plan, full=4)


# Streams

def same_bytes():
    args = "batch 0..=600 40x250 9 1000..=1100"
    numbers = (*range(601), *(250,) * 40, 9, *range(1000, 1101))
    return [Plan(f"{args} -w {workers} -c {chunking}", (0,), numbers) for workers in (1, 2, 7)
            for chunking in ("per-worker:1", "balanced:8", "items:1", "items:7")]


def repeated(count):
    """The index 90 `count` times. Then the input stays open until it is released."""
    def parts(run):
        for start in range(0, count, 10000):
            yield b"90\n" * min(10000, count - start)
        run.release.wait(120)
    return parts


def measured(lab, backend, random, count):
    """A run over that many numbers, with the peaks in KB of the program and of its workers, taken
    when every result has been read and the input is still open."""
    def act(run):
        until = time.monotonic() + 100
        while run.lines < count and time.monotonic() < until and not run.ended():
            time.sleep(0.005)
        run.peaks = peak_kb(run.pid), sum(map(peak_kb, children(run.pid)))
        run.release.set()

    plan = Plan("batch -", stdin=repeated(count), reader="count", act=act, seconds=120)
    run = lab.run(plan, backend, random)
    if run.lines != count:
        run.problem("lost", f"{run.lines} of {count} records came")
    return run


def memory(lab, backend, random):
    counts = [10**power for power in range(3, 7 if lab.options.short else 8)]
    runs = [measured(lab, backend, random, count) for count in counts]
    growth = sum(runs[-1].peaks) - sum(runs[1].peaks)
    if growth > 16000:
        runs[-1].problem("memory", f"memory grew by {growth / 1000:.0f} MB from 10^4 numbers on")
    lab.table.append((backend, counts, [run.peaks for run in runs]))
    return runs


def stream_cases():
    yes = Plan("batch -", (0,), None, stdin=endless(b"90\n" * 1000), reader=1000, after=lines(1000))
    yield Case("stream: yes 90 | fib batch - | head -1000", [yes])
    yield Case("stream: same bytes, -w 1 2 7, 4 chunkings", same_bytes(), counted=False, full=3)
    yield Case("stream: memory while batches grow", memory, counted=False, note="within 16 MB")


# Hostile neighbours

ENGINES = ["hang", "fork", "flood", "endless-line", "deaf", "stderr", "name", "version", "baseline",
           "kernel", "summary", "backend", "refuse", "negative"]
COMPARE = ["compare", "-s", "10xF100", "-b", "sequential", "-t", "1", "--cell-timeout", "2"]


def engine_plans(mode):
    check = ["engine", "check", "{python}", "{cases}/engine.py", mode]
    compare = [*COMPARE, "--engine", f"{{python}} {{cases}}/engine.py {mode}"]
    return [Plan(args, (0, 1, 2), seconds=60, peak_mb=300) for args in (check, compare)]


def poison(source):
    """A record whose texts have control characters."""
    control = "\x1b[31m\x07\r\x85\u202e"
    rows = [json.loads(line) for line in source.read_text().splitlines()]
    header = rows[0]
    for key in ("command", "compiler", "flags"):
        header[key] = control + header[key]
    header["machine"] = {key: control + value if isinstance(value, str) else value
                         for key, value in header["machine"].items()}
    for scenario in header["scenarios"]:
        scenario["summary"] += control
    soft = "".join(json.dumps(row) + "\n" for row in rows)
    hard = soft.replace('"sequential"', json.dumps("sequ" + control + "ential"))
    scenario = soft.replace('"10xF100"', json.dumps("10x" + control))
    return {"text": soft, "label": hard, "scenario": scenario}


def analyse(lab, backend, random):
    source = lab.root / f"record-{random.getrandbits(32)}"
    words = [str(lab.program), *COMPARE[:5], "-t", "0.3", "--record", str(source)]
    env = os.environ | {"XDG_CACHE_HOME": str(lab.cache)}
    subprocess.run(words, env=env, capture_output=True, check=True)
    plans = [Plan(f"analyse record --format {format}", (0, 2), files={"record": text.encode()})
             for text in poison(source).values()
             for format in ("table", "markdown", "csv", "json")]
    plans.append(Plan("analyse /dev/zero", (2,), seconds=5, peak_mb=50))
    return [lab.run(plan, backend, random) for plan in plans]


def bad_cache(make):
    """Something else in place of the kept calibration; the program may replace it."""
    def script(lab, backend, random):
        folder = lab.root / f"cache-{random.getrandbits(32)}"
        (folder / "fib").mkdir(parents=True)
        for kept in (lab.cache / "fib").iterdir():
            make(folder / "fib" / kept.name)
        env = {"XDG_CACHE_HOME": str(folder)}
        plan = Plan(f"{SMALL_ARGS}", (0,), SMALL, env=env, seconds=15, peak_mb=300)
        return [lab.run(plan, "auto", random)]
    return script


def neighbour_cases():
    for mode in ENGINES:
        yield Case(f"engine: {mode}", engine_plans(mode), "any", patient=True)
    caches = {"a FIFO": os.mkfifo, "a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
              "a folder": os.mkdir, "an empty file": lambda path: path.write_text(""),
              "impossible numbers": lambda path: path.write_text('{"calibration":{"cores":-1}}')}
    for name, make in caches.items():
        yield Case(f"cache: {name}", bad_cache(make), "any", note="0", patient=True)
    yield Case("record: control characters, /dev/zero", analyse, "any", note="0 or 2")
    module = {"json.py": b"open('imported', 'w')\n", "sitecustomize.py": b"open('imported', 'w')\n"}
    yield Case("engine: a folder with a json.py",
               [Plan("engine check python", (0,), files=module, seconds=150)], "any", patient=True)
    sandboxes = {"no /proc": "mount -t tmpfs none /proc",
                 "a read-only /dev/shm": "mount -t tmpfs -o ro none /dev/shm"}
    for name, command in sandboxes.items():
        wrap = ("unshare", "-m", "sh", "-c", f'{command} && exec "$@"', "sh")
        yield Case(f"sandbox: {name}", [Plan(SMALL_ARGS, LIMITED, SMALL, wrap)])
    empty = {"HOME": "", "XDG_CACHE_HOME": "", "TMPDIR": "/nowhere"}
    yield Case("sandbox: no home, no temporary folder", [Plan(SMALL_ARGS, LIMITED, SMALL, env=empty)],
               patient=True)


# Resume

PARTS = 30
MANY = tuple(range(500)) * (2 * PARTS)


def slowly(numbers, fast):
    """The numbers in parts, one part each tenth of a second; the first `fast` parts at once."""
    def parts(_):
        size = len(numbers) // PARTS
        for part in range(PARTS):
            time.sleep(0 if part < fast else 0.1)
            yield b"".join(b"%d\n" % n for n in numbers[part * size:(part + 1) * size])
    return parts


def kill_after(seconds):
    def act(run):
        time.sleep(seconds)
        run.signal(SIGKILL)
    return act


JOURNAL = r"out\..*"
RESUME = Plan("batch - --out out --resume", (0, -9), MANY, out="out", left=JOURNAL)
OTHERS = [replace(RESUME, stdin=slowly((1, *MANY[1:]), PARTS), codes=(2,)),
          replace(RESUME, args=f"{RESUME.args} --format jsonl", stdin=slowly(MANY, PARTS), codes=(2,))]


def resume(lab, backend, random):
    """Kills the program again and again until it ends by itself. It writes a checkpoint about once a
    second, so other input and another format must be refused once it has run for two seconds."""
    folder = lab.root / f"resume-{random.getrandbits(32)}"
    folder.mkdir()
    moments = [random.uniform(0, 0.02), random.uniform(0, 0.2), 2.5,
               *(random.uniform(0, 2) for _ in range(20))]
    runs = []
    for attempt, seconds in enumerate(moments):
        plan = replace(RESUME, stdin=slowly(MANY, 4 * max(0, attempt - 2)), act=kill_after(seconds))
        runs.append(lab.run(plan, backend, random, folder))
        if runs[-1].code() == 0:
            break
        if seconds == 2.5:
            runs += [lab.run(other, backend, random, folder) for other in OTHERS]
    if left := sorted(set(os.listdir(folder)) - {"out"}):
        runs[-1].problem("file", f"files are left at the end: {' '.join(left)}")
    return runs


def no_resume(lab):
    text = subprocess.run([lab.program, "batch", "--help"], capture_output=True, check=False).stdout
    return b"--resume" not in text and "this program has no --resume"


def resume_cases():
    yield Case("resume: SIGKILL again and again", resume, note="the same bytes", full=6,
               needs=no_resume, patient=True)


CASES = [*neighbour_cases(), *input_cases(), *limit_cases(), *signal_cases(), *worker_cases(),
         *sink_cases(), *system_call_cases(), *stream_cases(), *resume_cases()]
