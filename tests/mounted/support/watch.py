"""A watcher of a mount (inotify.py, in a process of its own), as the tests use it."""

import json
import os
import select
import subprocess
import sys
import time

from . import processes

# What others do, and nobody who only reads.
CHANGES = [
    "OPEN", "MODIFY", "CLOSE_WRITE", "CREATE", "DELETE", "MOVED_FROM", "MOVED_TO", "ATTRIB", "DELETE_SELF", "MOVE_SELF",
]  # fmt: skip
# The same without what a look at the content makes too.
NOT_READS = [kind for kind in CHANGES if kind != "OPEN"]

RING = ["OPEN", "MODIFY", "CLOSE_WRITE"]


class Event:
    def __init__(self, watch, name, kinds, dir, cookie, seen=None):
        self.watch, self.name, self.kinds, self.dir, self.cookie, self.seen = watch, name, kinds, dir, cookie, seen

    @property
    def kind(self):
        return "|".join(self.kinds)

    def __repr__(self):
        return f"{self.watch}/{self.name} {self.kind}"


class Watch:
    """Watch `watches` (label -> path) from now on. `look` (label -> path): what is there at each event;
    looking opens files, so leave OPEN out of `mask` then. `ignore`: names of which nothing is told."""

    def __init__(self, mount, watches, mask=CHANGES, look=None, ignore=()):
        self.ignore = set(ignore)
        self.events, self.rest, self.ended = [], b"", False
        self.process = processes.start(
            [sys.executable, mount.setup.inotify], mount.who, cwd="/", env=mount.setup.environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        asked = {"watches": watches, "mask": mask, "look": look}
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        self.process.stdin.flush()
        self.ready = False
        self._collect(lambda: self.ready, 10, "the watcher is ready")

    def _line(self, line):
        answer = json.loads(line)
        if "ready" in answer:
            self.ready = True
        elif answer["name"] not in self.ignore:
            self.events.append(Event(**answer))

    def _read(self, seconds):
        if not select.select([self.process.stdout], [], [], max(seconds, 0))[0]:
            return
        data = os.read(self.process.stdout.fileno(), 1 << 16)
        self.ended = not data
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self._line(line)

    def _collect(self, condition, timeout, what):
        deadline = time.monotonic() + timeout * processes.SLOW
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0, f"not within {timeout * processes.SLOW:g} s: {what}; so far: {self.events}"
            assert not self.ended, f"the watcher ended; so far: {self.events}"
            self._read(left)

    def wait(self, condition, timeout=10, what=""):
        """Until `condition` holds for one of the events; that event."""
        self._collect(lambda: any(condition(e) for e in self.events), timeout, what)
        return next(e for e in self.events if condition(e))

    def wait_for(self, kind, name=None, watch=None, timeout=10):
        def fits(e):
            return kind in e.kinds and name in (None, e.name) and watch in (None, e.watch)

        return self.wait(fits, timeout, f"{kind} of {name or watch or 'anything'}")

    def close(self):
        """All events up to now."""
        if not self.ended:
            self.process.stdin.close()
            deadline = time.monotonic() + 10 * processes.SLOW
            while not self.ended and time.monotonic() < deadline:
                self._read(deadline - time.monotonic())
        failed = self.ended and self.process.wait(timeout=10 * processes.SLOW) != 0
        processes.kill_group(self.process)
        assert self.ended, "the watcher did not end"
        assert not failed, f"the watcher failed; so far: {self.events}"
        return self.events


def kinds(events, name=None, watch=None):
    """The kinds of events of one name or watch, in order."""
    return [e.kind for e in events if name in (None, e.name) and watch in (None, e.watch)]


def named(events):
    """(name, kind) of each."""
    return [(e.name, e.kind) for e in events]


def watches_of(pid):
    """How many inotify watches a process has."""
    found = 0
    try:
        for fd in os.listdir(f"/proc/{pid}/fdinfo"):
            with open(f"/proc/{pid}/fdinfo/{fd}") as f:
                found += f.read().count("inotify wd:")
    except OSError:
        pass
    return found
