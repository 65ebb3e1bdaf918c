"""Child processes that cannot hang the test run."""

import os
import pwd
import signal
import subprocess
import time

SLOW = float(os.environ.get("ICE_SLOW", "1"))  # stretches every time limit; sanitizers raise it


class Stuck(AssertionError):
    """A process did not end in time."""


class Result:
    def __init__(self, args, status, out, err, seconds):
        self.args, self.status, self.out, self.err, self.seconds = args, status, out, err, seconds

    @property
    def text(self):
        return self.out.decode()

    @property
    def errors(self):
        return self.err.decode(errors="replace")

    def __repr__(self):
        return f"<{self.args} status {self.status} out {self.out[-500:]!r} err {self.err[-1000:]!r}>"


class Who:
    """The user that a process runs as; None changes nothing."""

    def __init__(self, name=None):
        self.name = name
        if name is None:
            self.uid, self.gid = os.getuid(), os.getgid()
        else:
            entry = pwd.getpwnam(name)
            self.uid, self.gid = entry.pw_uid, entry.pw_gid

    def popen_args(self):
        if self.name is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def start(args, who=None, **kwargs):
    """Popen in its own session, as `who`, with nothing on stdin."""
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(
        [str(a) for a in args], start_new_session=True, **(who or Who()).popen_args(), **kwargs
    )


def finish(process, timeout, what=None):
    """The output of a started process; Stuck, and the process killed, when it takes longer."""
    begin = time.monotonic()
    try:
        out, err = process.communicate(timeout=timeout * SLOW)
    except subprocess.TimeoutExpired:
        kill_group(process)
        raise Stuck(f"{what or process.args} did not end within {timeout * SLOW:g} s") from None
    return Result(process.args, process.returncode, out or b"", err or b"", time.monotonic() - begin)


def kill_group(process):
    """SIGKILL, and a moment to go; a process in D state stays until its mount is aborted."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        pass


def run(args, timeout=10, who=None, input=None, **kwargs):
    """Run to the end. The status is the caller's to judge."""
    process = start(
        args,
        who,
        stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **kwargs,
    )
    if input is not None:
        process.stdin.write(input)
        process.stdin.close()
        process.stdin = None
    return finish(process, timeout)


def wait_until(condition, timeout=10, what="", pause=0.01):
    """Poll until `condition()` is true and return its value; AssertionError at the deadline."""
    deadline = time.monotonic() + timeout * SLOW
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {timeout * SLOW:g} s: {what or condition}"
        time.sleep(pause)


def process_state(pid):
    """What a process is doing, for the report of a stuck one."""
    lines = []
    try:
        tasks = sorted(os.listdir(f"/proc/{pid}/task"))
    except OSError as e:
        return f"process {pid}: {e}"
    for task in tasks:
        base = f"/proc/{pid}/task/{task}"
        facts = [task]
        for name in ("comm", "wchan", "stack"):
            try:
                with open(f"{base}/{name}") as f:
                    facts.append(f.read().strip().replace("\n", " < "))
            except OSError:
                pass
        lines.append("  ".join(facts))
    return "\n".join(lines)
