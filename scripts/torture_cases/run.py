"""One run of the program: how it is started and watched, and what must hold afterwards, whatever
happened to the program."""

import functools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.set_int_max_str_digits(0)

CONTRACT = {0, 1, 2, 3, 4, 5, 6, 124, 130, 143}
PANIC = re.compile(rb"panicked|backtrace|memory allocation of|fatal runtime error|RUST_BACKTRACE")
# Control characters (C0 without tab and line end, DEL, C1) and those that change the direction.
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
GRACE = 2.0  # seconds in which descendants have to end
MARK = "FIB_TORTURE_CASE"


@dataclass(frozen=True)
class Plan:
    """How to run the program once, and what the result must be. In `args` and `wrap`, {n} is a number
    drawn from `draw`, {fib} the program, {cases} this folder, and {log} a file for strace."""

    args: object                # the words after `fib`: text, or a list
    codes: tuple = (0,)         # the exit codes that are right
    numbers: object = None      # a range or tuple: the indices whose records must come, in order
    wrap: tuple = ()            # a command that starts the program
    draw: tuple = (0, 0)
    late: str = ""              # a system call: {n} does not count those before `main`
    stdin: object = b""         # bytes, or a function that gives parts of it for a run
    reader: object = "all"      # of stdout: "all", "slow", "count", or the lines until it closes
    act: object = None          # act(run) disturbs the program while it runs
    files: dict = field(default_factory=dict)  # what is in the folder before
    out: str = ""               # the file of the records, if it is not stdout
    whole: bool = True          # `out` is whole or absent; stdout ends with a whole record
    left: str = ""              # regular expression of further files that may be left
    says: str = ""              # regular expression of what stdout or stderr must say
    env: dict = field(default_factory=dict)
    seconds: float = 20         # the longest time
    peak_mb: int = 0            # the most memory, measured by time(1)
    mode: int = 0o777           # of the folder
    after: object = None        # after(run) gives one more problem, or nothing


@functools.lru_cache(maxsize=None)
def fib_pair(n):
    """F(n) and F(n+1), by doubling."""
    if n == 0:
        return 0, 1
    a, b = fib_pair(n // 2)
    c, d = a * (2 * b - a), a * a + b * b
    return (d, c + d) if n % 2 else (c, d)


@functools.lru_cache(maxsize=None)
def record(n):
    return b"%d\t%s\n" % (n, str(fib_pair(n)[0]).encode())


@functools.lru_cache(maxsize=64)
def records(numbers):
    return b"".join(map(record, numbers))


def is_subsequence(lines, expected):
    rest = iter(expected)
    return all(line in rest for line in lines)


def difference(got, expected):
    """Says whether records are missing, or wrong."""
    same = len(os.path.commonprefix([got, expected])[: len(expected)].splitlines(True)[:-1])
    if is_subsequence(got.splitlines(), expected.splitlines()):
        return f"records are missing after line {same}, and later records follow"
    return f"line {same + 1} is wrong"


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def read_of(pid, name):
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def children(parent):
    def parent_of(pid):
        rest = read_of(pid, "stat").rpartition(b")")[2].split()
        return int(rest[1]) if len(rest) > 1 and rest[0] not in (b"Z", b"X") else 0
    return [pid for pid in processes() if parent_of(pid) == parent]


def marked(start):
    """The processes with a variable in their environment that starts like this."""
    start = start.encode()
    return [pid for pid in processes()
            if any(text.startswith(start) for text in read_of(pid, "environ").split(b"\0"))]


def kill_all(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def peak_kb(pid):
    """The largest resident memory that a process has had, in KB."""
    found = re.search(rb"VmHWM:\s+(\d+)", read_of(pid, "status"))
    return int(found[1]) if found else 0


def plain(text):
    """Text for a terminal, whatever it is."""
    return "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in text)


def shared_memory():
    return set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()


class Run:
    """A plan that was carried out, and the problems that were found."""

    def __init__(self, lab, plan, backend, random, folder=None):
        self.lab, self.plan, self.backend, self.random = lab, plan, backend, random
        self.kept = folder is not None
        self.id = lab.next_id()
        self.folder = folder or lab.root / f"run-{self.id}"
        self.log = lab.root / f"strace-{self.id}"
        self.stdout, self.stderr, self.signals, self.problems = b"", b"", 0, []
        self.lines, self.release = 0, threading.Event()
        self.shared = shared_memory()
        n = random.randint(*plan.draw) + lab.early(plan.late)
        names = {"{n}": str(n), "{log}": str(self.log), "{fib}": str(lab.program),
                 "{cases}": str(Path(__file__).parent), "{python}": sys.executable,
                 "{uid}": str(61000 + self.id % 4000)}
        self.words = [self.filled(word, names) for word in self.command()]

    @staticmethod
    def filled(word, names):
        for name, value in names.items():
            word = word.replace(name, value) if isinstance(word, str) else word
        return word

    def command(self):
        args = self.plan.args
        words = [*(args.split() if isinstance(args, str) else args)]
        words += ["-b", self.backend] if self.backend else []
        peak = ["time", "-q", "-f", "%M", "-o", "peak"] if self.plan.peak_mb else []
        return [*self.plan.wrap, *peak, str(self.lab.program), *words]

    def shown(self):
        """The command for a user who wants to run it again."""
        words = [word if isinstance(word, str) else os.fsdecode(word) for word in self.words]
        env = [f"{name}={shlex.quote(value)}" for name, value in self.plan.env.items()]
        text = " ".join([*env, shlex.join(words)])
        text = text.replace(str(self.log), "strace.log")
        return plain(text.replace(str(self.lab.program), str(self.lab.original)))

    # Starting and watching

    def go(self):
        self.prepare()
        self.start = time.monotonic()
        env = os.environ | {MARK: f"{os.getpid()}-{self.id}.", "TMPDIR": str(self.folder),
                            "HOME": str(self.folder), "XDG_CACHE_HOME": str(self.lab.cache)}
        self.process = subprocess.Popen(
            self.words, env=env | self.plan.env, cwd=self.folder, process_group=0, bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.pid = self.process.pid
        jobs = [self.feed, self.read_stdout, self.read_stderr]
        threads = [threading.Thread(target=job, daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        if self.plan.act:
            self.plan.act(self)
        self.wait()
        self.end_descendants()
        for thread in threads[1:]:
            thread.join(10)
        self.check()
        return self

    def prepare(self):
        if not self.kept:
            self.folder.mkdir()
        for name, content in self.plan.files.items():
            (self.folder / name).write_bytes(content)
        os.chmod(self.folder, self.plan.mode)

    def feed(self):
        stdin = self.plan.stdin
        parts = [stdin] if isinstance(stdin, bytes) else stdin(self)
        try:
            for part in parts:
                self.process.stdin.write(part)
        except OSError:
            pass  # the program reads no more
        try:
            self.process.stdin.close()
        except OSError:
            pass

    def read_stdout(self):
        pipe, reader, parts = self.process.stdout, self.plan.reader, []
        while part := pipe.read(4096 if reader == "slow" else 65536):
            self.lines += part.count(b"\n")
            parts += [] if reader == "count" else [part]
            if reader == "slow":
                time.sleep(0.002)
            if isinstance(reader, int) and self.lines >= reader:
                break
        pipe.close()
        text = b"".join(parts)
        self.stdout = b"".join(text.splitlines(True)[:reader]) if isinstance(reader, int) else text

    def read_stderr(self):
        while part := self.process.stderr.read(65536):
            self.stderr += part if len(self.stderr) < 1 << 22 else b""

    def ended(self):
        """Whether the program has ended; it is reaped then."""
        if self.process.returncode is None:
            pid, status, _ = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.process.returncode = os.waitstatus_to_exitcode(status)
                self.seconds = time.monotonic() - self.start
        return self.process.returncode is not None

    def wait(self):
        pause = 0.0005
        while not self.ended():
            if time.monotonic() - self.start > self.plan.seconds:
                self.problem("hang", f"it still ran after {self.plan.seconds:g} s")
                kill_all(self.descendants())
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.02)

    def signal(self, kind, pid=None, group=False):
        """Sends a signal, and counts it if there was a process to get it."""
        try:
            if not self.ended():
                (os.killpg if group else os.kill)(pid or self.pid, kind)
                self.signals += 1
        except ProcessLookupError:
            pass

    def descendants(self):
        return marked(f"{MARK}={os.getpid()}-{self.id}.")

    def end_descendants(self):
        until = time.monotonic() + GRACE
        while (left := self.descendants()) and time.monotonic() < until:
            time.sleep(0.01)
        for pid in left:
            name = read_of(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace")
            state = read_of(pid, "stat").rpartition(b")")[2].split()[:1]
            state = state[0].decode() if state else "gone"
            self.problem("orphan", f"a descendant is left after 2 s, in state {state}: {name}")
        kill_all(left)

    # What must hold after every run

    def problem(self, kind, text):
        self.problems.append((kind, text))

    def code(self):
        """The exit code as a shell has it; a death by any other signal is negative."""
        code = self.process.returncode
        return {-2: 130, -15: 143}.get(code, code)

    def is_loader(self):
        """Whether the system could not even load the program."""
        early = rb"shared libraries|cannot allocate TLS|Cannot allocate memory\n$|cannot apply|[Ff]ork"
        return self.code() in (126, 127) and bool(re.search(early, self.stderr))

    def check(self):
        self.check_code()
        self.check_messages()
        self.check_records()
        self.check_files()
        self.check_peak()
        if self.plan.after and (text := self.plan.after(self)):
            self.problem("other", text)
        if not self.kept and not self.problems:
            shutil.rmtree(self.folder, ignore_errors=True)

    def check_peak(self):
        """The file is empty if even time(1) was killed."""
        file = self.folder / "peak"
        peak_kb = file.read_text().split()[-1:] if file.exists() else []
        for peak in peak_kb:
            if int(peak) > 1000 * self.plan.peak_mb:
                self.problem("memory", f"it took {int(peak) // 1000} MB, limit {self.plan.peak_mb} MB")

    def injections(self):
        log = self.log.read_bytes() if self.log.exists() else b""
        return [line for line in log.splitlines() if b"(INJECTED)" in line]

    def injected(self):
        return len(self.injections())

    def check_code(self):
        hung = any(kind == "hang" for kind, _ in self.problems)
        if not hung and not self.is_loader() and self.code() not in self.plan.codes:
            self.problem("exit code", f"{name_of(self.code())}, expected exit {codes(self.plan.codes)}")

    def check_messages(self):
        closed = any("2>&-" in word for word in self.words if isinstance(word, str))
        closed = closed or b" write(2, " in b"".join(self.injections())
        errors = len(re.findall(rb"^error:", self.stderr, re.M))
        if errors > 1 or (errors == 0 and self.code() in (2, 3, 4, 5) and not closed):
            self.problem("messages", f"{errors} lines begin with `error:`, expected 1")
        if PANIC.search(self.stderr):
            self.problem("panic", "a panic or an abort reached the user")
        said = self.stderr + (self.stdout if self.plan.numbers is None else b"")
        if found := RAW.search(said.decode(errors="surrogateescape")):
            self.problem("control", f"a raw control character was printed: {found[0]!a}")
        if self.plan.says and not re.search(self.plan.says.encode(), self.stdout + self.stderr):
            self.problem("messages", f"it does not say {self.plan.says!r}")

    def output(self):
        """The records that were written; nothing for a file that is absent or still the old one."""
        if not self.plan.out:
            return self.stdout
        file = self.folder / self.plan.out
        got = file.read_bytes() if file.is_file() else None
        return b"" if got is None or got == self.plan.files.get(self.plan.out) else got

    def check_records(self):
        if self.plan.numbers is None:
            return
        got, expected = self.output(), records(self.plan.numbers)
        if self.code() in (1, 4):  # numbers that failed are named, and all others are there
            failed = {int(n) for n in re.findall(rb"F\((\d+)\) failed", self.stderr)}
            expected = b"".join(record(n) for n in self.plan.numbers if n not in failed)
        whole = self.plan.out not in ("", "stdout") and self.plan.whole
        cut_allowed = not self.plan.whole or self.code() == -signal.SIGKILL
        if not expected.startswith(got):
            self.problem("lost", difference(got, expected))
        elif (self.code() in (0, 1) or (whole and got)) and got != expected:
            self.problem("lost", f"{len(got)} of {len(expected)} bytes, with {name_of(self.code())}")
        elif got and not got.endswith(b"\n") and not cut_allowed:
            self.problem("half", "the last record is cut")

    def check_files(self):
        allowed = {*self.plan.files, self.plan.out, "peak"}
        for name in sorted(set(os.listdir(self.folder)) - allowed):
            if not (self.plan.left and re.fullmatch(self.plan.left, name)):
                self.problem("file", f"a file is left: {name}")
        for name in os.listdir(self.lab.cache / "fib"):
            if not re.fullmatch(r"calibration-\w+\.json", name) and self.lab.claim(name):
                self.problem("file", f"a file is left in the cache: {name}")
        new = shared_memory() - self.shared
        if new and not self.lab.vanish(new):
            self.problem("file", f"left in /dev/shm: {' '.join(sorted(new))}")


def name_of(code):
    return f"death by {signal.Signals(-code).name}" if code < 0 else f"exit {code}"


def codes(wanted):
    """Exit codes in words, such as `0, 3 or 4`."""
    if len(wanted) > 3 and list(wanted) == list(range(wanted[0], wanted[-1] + 1)):
        return f"{wanted[0]} to {wanted[-1]}"
    names = [name_of(code).split()[-1] for code in wanted]
    return (", ".join(names[:-1]) + " or " if names[1:] else "") + names[-1]


class Lab:
    """What all runs share: the program, a folder for their folders, and a cache for calibrations."""

    def __init__(self, original, root, options):
        self.original, self.root, self.options = original, root, options
        self.program, self.cache = root / "fib", root / "cache"
        self.lock, self.last, self.claimed = threading.Lock(), 0, set()
        self.pools, self.stopped = (), False
        self.table = []  # of memory: (backend, [(numbers, KB of program, KB of workers)])
        shutil.copy(original, self.program)
        os.chmod(root, 0o755)
        (self.cache / "fib").mkdir(parents=True)
        self.calibrate()

    def calibrate(self):
        """Fills the cache, so that `auto` does not measure the machine in every case."""
        env = os.environ | {"XDG_CACHE_HOME": str(self.cache)}
        for wrap in [], ["taskset", "-c", str(min(os.sched_getaffinity(0)))]:
            if not wrap or shutil.which(wrap[0]):
                words = [*wrap, str(self.program), "batch", "0..99", "-b", "auto"]
                subprocess.run(words, env=env, capture_output=True, check=False)
        for path in [self.cache, self.cache / "fib", *(self.cache / "fib").iterdir()]:
            os.chmod(path, 0o755)

    @functools.lru_cache(maxsize=None)
    def early(self, call):
        """How often the loader and the runtime of the language make this call before `main`. The
        runtime ends its part with the second call of sigaltstack."""
        if not call:
            return 0
        words = ["strace", "-qq", "-e", f"trace={call},sigaltstack", str(self.program), "--version"]
        log = subprocess.run(words, capture_output=True, text=True, check=False).stderr
        return "".join(log.split("sigaltstack(")[:2]).count(f"{call}(")

    def next_id(self):
        with self.lock:
            self.last += 1
            return self.last

    def claim(self, name):
        """Whether this file stays, and no other run has reported it yet."""
        time.sleep(0.5)
        with self.lock:
            fresh = name not in self.claimed and (self.cache / "fib" / name).exists()
            self.claimed.add(name)
            return fresh

    def vanish(self, names):
        """Whether these names in /dev/shm belong to a neighbouring run that still works."""
        until = time.monotonic() + GRACE
        while time.monotonic() < until:
            if not names & shared_memory():
                return True
            time.sleep(0.05)
        return False

    def stop(self):
        """Starts no more runs, and ends those that are under way."""
        self.stopped = True
        for pool in self.pools:
            pool.shutdown(wait=False, cancel_futures=True)
        kill_all(marked(f"{MARK}={os.getpid()}-"))
        for pool in self.pools:
            pool.shutdown(wait=True)

    def run(self, plan, backend, random, folder=None):
        if self.stopped:
            raise InterruptedError("stopped")
        return Run(self, plan, backend, random, folder).go()


def tally(runs):
    """Exit codes and how often they came, such as `0 x34, 4 x6`."""
    names = ("not loaded" if run.is_loader() else name_of(run.code()).split()[-1] for run in runs)
    return ", ".join(f"{name} x{count}" for name, count in sorted(Counter(names).items()))
