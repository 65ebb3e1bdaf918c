"""What must not depend on how many jobs are known, or hardly: the cost of one change, readers side by side, many
watchers, the mount's start, listings. Written to build/bench/scale.json."""

import json
import os
import pathlib
import signal
import statistics
import subprocess
import time

from soak import world
from soak.studio_jobs import metric
from support import inotify
from support.processes import wait_until

from . import side_by_side
from .api import on_cpu_s
from .tree import Tree

READERS = (2, 64)
READERS_TURNS = 5
WATCHERS = 1000


class Scale:
    """One simulator and one mount that know `n` jobs."""

    def __init__(self, the_world, options, n):
        self.world, self.options, self.n = the_world, options, n
        self.timed = os.path.abspath(os.path.join(options.build, "bench", "timed"))
        self.tree, self.sim = Tree(n), the_world.sim(0)
        self.tree.give(self.sim)
        self.mount = the_world.mount(self.sim, "qps=100000", "refresh=100ms", "ttl=1s")
        self.tree.make_known(self.mount.point)
        the_world.ending.callback(lambda: self.mount.process.send_signal(signal.SIGCONT))
        self.sleep()

    def sleep(self):
        """One at a time: the others would go on asking, and take its processor time."""
        self.mount.process.send_signal(signal.SIGSTOP)

    def wake(self):
        self.mount.process.send_signal(signal.SIGCONT)
        before = self.calls()
        wait_until(lambda: self.calls() > before, 60, "it asks again")

    def end(self):
        self.mount.stop()
        self.sim.stop()

    # ---- the works

    def change(self, mark):
        """Processor and wall milliseconds of a change, when all unfinished jobs change at once. The daemon goes on
        asking meanwhile: each call that it makes counts as much as one that finds no change."""
        idle_s, idle_calls, _ = self.used(lambda: time.sleep(2))
        used_s, calls, wall = self.used(lambda: self.change_all(mark))
        n = len(self.tree.unfinished) * self.options.changes
        return (used_s - idle_s / idle_calls * calls) / n * 1000, wall / n * 1000

    def used(self, work):
        """Processor seconds of the daemon and its notifier, calls, seconds."""
        pid, begin = self.mount.process.pid, time.monotonic()
        before = on_cpu_s(pid), self.calls()
        work()
        wall = time.monotonic() - begin
        return on_cpu_s(pid) - before[0], self.calls() - before[1], wall

    def calls(self):
        return metric(self.mount, "api_get_total")

    def change_all(self, mark):
        """Several times, and wait for each line in the stream of events: nothing else is asked meanwhile."""
        jobs = self.tree.unfinished
        with open(self.mount.path("events"), "rb", buffering=0) as events:
            for number in range(self.options.changes):
                for job in jobs:
                    self.sim.put(job, Message=f"{mark} {number}")
                self.drain(events, len(jobs))

    @staticmethod
    def drain(events, n):
        seen = b""
        while seen.count(b'"changed"') < n:
            seen += events.read(65536)

    def readers(self, count):
        """Operations a second of so many processes that read finished jobs."""
        names = [f"{job}/status" for job in self.tree.finished[:64]]
        go = side_by_side.start(self.timed, self.mount.path("jobs"), self.options.ms, [names] * count)
        begin = time.monotonic()
        total = sum(n for _, n in go())
        return total / (time.monotonic() - begin)

    def side_by_side(self):
        """In turns, for few and many are compared with one another."""
        turns = [[self.readers(count) for count in READERS] for _ in range(READERS_TURNS)]
        return {f"readers_{count}": statistics.median(column) for count, column in zip(READERS, zip(*turns))}

    def memory(self):
        with open(f"/proc/{self.mount.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:")) * 1024 / self.n

    def seconds(self, *command):
        begin = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
        assert done.returncode == 0, done.stderr
        return time.monotonic() - begin

    def look(self):
        return {
            "ls_s": self.seconds("ls", self.mount.path("jobs")),
            "ls_again_s": self.seconds("ls", self.mount.path("jobs")),
            "tsv_s": self.seconds("cat", self.mount.path("jobs.tsv")),
            "bytes_a_job": self.memory(),
        }

    def restart(self):
        self.mount.stop()
        begin = time.monotonic()
        self.mount.start()
        return time.monotonic() - begin

    def watchers(self):
        """Seconds from a change until each of so many watches on one file has rung."""
        job = self.tree.unfinished[1]
        fds = [inotify.libc.inotify_init1(os.O_CLOEXEC) for _ in range(WATCHERS)]
        path = self.mount.job(job, "message").encode()
        try:
            for fd in fds:
                assert fd >= 0 and inotify.libc.inotify_add_watch(fd, path, inotify.BITS["CLOSE_WRITE"]) >= 0
            begin = time.monotonic()
            self.sim.put(job, Message="seen by all")
            for fd in fds:
                os.read(fd, 4096)
            return time.monotonic() - begin
        finally:
            for fd in fds:
                if fd >= 0:
                    os.close(fd)


def changes(scales, rounds):
    """Of each, in turns, for they are compared with one another."""
    turns = {scale.n: [] for scale in scales}
    for number in range(rounds):
        for scale in scales:
            scale.wake()
            turns[scale.n].append(scale.change(f"change {number}"))
            scale.sleep()
    return {n: dict(zip(("cpu_ms", "wall_ms"), map(statistics.median, zip(*of)))) for n, of in turns.items()}


def rest(scale):
    """What else is measured, of one; it ends."""
    scale.wake()
    found = {**scale.look(), **scale.side_by_side()}
    if scale.n == scale.options.sizes[0]:
        raise_limit()
        found["watchers_s"] = scale.watchers()
    found["mount_s"] = scale.restart()
    scale.end()
    return found


def raise_limit():
    """A thousand inotify instances are more than a user has by default."""
    path = pathlib.Path("/proc/sys/fs/inotify/max_user_instances")
    if int(path.read_text()) < 2 * WATCHERS:
        path.write_text(str(2 * WATCHERS))


def proof(the_world, options):
    scales = [Scale(the_world, options, n) for n in options.sizes]
    found = {n: {"change": change} for n, change in changes(scales, options.rounds).items()}
    for scale in scales:
        found[scale.n] |= rest(scale)
        print(f"  {scale.n} jobs: {json.dumps(found[scale.n])}", flush=True)
    pathlib.Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(options.out).write_text(json.dumps(found, indent=1))


def main():
    made = world.parser(__doc__)
    made.set_defaults(mode="system")
    made.add_argument("--sizes", type=int, nargs="+", default=[1000, 10000, 100000])
    made.add_argument("--changes", type=int, default=10, help="of each unfinished job, a round")
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--ms", type=int, default=1000)
    made.add_argument("--out", default="build/bench/scale.json")
    world.run("bench-scale", made.parse_args(), proof)
