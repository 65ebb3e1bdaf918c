"""What is measured on every system. Each work gives nanoseconds an operation."""

import os
import subprocess

from .systems import URGENT

N_NAMES = 64
NOT_THERE = "no-file-has-this-word"


class Work:
    """`heavy`: it looks at all files, and has fewer rounds."""

    def __init__(self, name, title, unit, measure, heavy=False):
        self.name, self.title, self.unit, self.measure, self.heavy = name, title, unit, measure, heavy


def timed(bench, system, work, names, ms, stdin=True):
    """Run the C loop in the folder of the jobs; nanoseconds an operation."""
    urgent = [*URGENT, "1"] if bench.options.urgent else []
    command = [*urgent, bench.timed, work, system.jobs, str(ms)]
    text = "\n".join(names) if stdin else None
    done = subprocess.run(
        command if stdin else [*command, *names], input=text, stdin=None if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=1800, env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode:
        raise RuntimeError(f"{system.name}: {work}: {done.stderr.strip()}")
    return int(done.stdout.split()[0])


def cat_finished(bench, system):
    names = [f"{job}/status" for job in bench.tree.finished[:N_NAMES]]
    return timed(bench, system, "cat", names, bench.ms)


def cat_unfinished(bench, system):
    return timed(bench, system, "cat", [f"{job}/status" for job in bench.tree.unfinished], bench.ms)


def cat_long(bench, system):
    return timed(bench, system, "cat", [f"{bench.tree.long}/timeline.json"], bench.ms)


def read_long(bench, system):
    return timed(bench, system, "pass", [f"{bench.tree.long}/timeline.json"], bench.ms)


def stat(bench, system):
    names = [f"{job}/status" for job in bench.tree.finished[:N_NAMES]]
    return timed(bench, system, "stat", names, bench.ms)


def list_jobs(bench, system):
    return timed(bench, system, "list", ["."], bench.ms)


def ls_l(bench, system):
    return timed(bench, system, "run", ["ls", "-l"], bench.ms, stdin=False)


def grep(bench, system):
    """A file."""
    jobs = bench.tree.ids if not system.slow else bench.tree.ids[: bench.slow_jobs]
    where = jobs if system.slow else ["."]
    return timed(bench, system, "run", ["grep", "-r", NOT_THERE, *where], 0, stdin=False) / (18 * len(jobs))


def grep_first(bench, system):
    bench.forget_names()
    return grep(bench, system)


def grep_warm(bench, system):
    """The names of all systems are forgotten at once, before each first pass of one: so two passes go ahead. The first
    reads; the second asks for attributes once more, for the kernel takes a file's time of access as unknown after that."""
    grep(bench, system)
    grep(bench, system)
    return grep(bench, system)


WORKS = [
    Work("cat-finished", "open+read+close, finished job, warm", "µs", cat_finished),
    Work("cat-unfinished", "open+read+close, unfinished job", "µs", cat_unfinished),
    Work("stat", "stat, warm", "µs", stat),
    Work("list", "`ls` of the jobs (readdir), warm", "ms", list_jobs),
    Work("ls-l", "`ls -l` of the jobs", "ms", ls_l),
    Work("read-long", "read of a 200 KB timeline, warm", "µs", read_long),
    Work("cat-long", "open+read+close of it", "µs", cat_long),
    Work("grep-first", "`grep -r`, first pass, a file", "µs", grep_first, heavy=True),
    Work("grep-warm", "`grep -r`, warm, a file", "µs", grep_warm, heavy=True),
]
