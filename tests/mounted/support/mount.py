"""One mount with its daemon: made, used, taken down and judged."""

import json
import os
import re
import signal
import subprocess
import sys

from . import agents, processes
from .processes import Stuck, process_state, wait_until


# What no log may hold: a sanitizer's report, a failed check of a library, an error of ours.
SURPRISES = re.compile(
    r"ERROR: \w*Sanitizer|WARNING: ThreadSanitizer|runtime error:|DEADLYSIGNAL|[Aa]ssertion|"
    r"stack smashing|buffer overflow|double free|\*\*\* |fuse: |icejobfs: error:"
)


FUSE_TYPE = "65735546"  # statfs(2)'s f_type


def mountinfo():
    """Mount point -> (connection number, options) of the FUSE mounts of now; never touches them."""
    found = {}
    with open("/proc/self/mountinfo") as f:
        for line in f:
            fields = line.split()
            kind = fields[fields.index("-") + 1]
            if kind.startswith("fuse") and kind != "fusectl":
                found[fields[4]] = (fields[2].split(":")[1], fields[5])
    return found


class Mount:
    """`point` is the mount point. Options are joined from `options` ("ttl=1s", ...)."""

    def __init__(self, setup, sim, options=(), source=None, args=("-f", "-d"), environment=None):
        self.setup, self.sim, self.who = setup, sim, setup.who
        self.point = str(setup.new_dir("mnt"))
        self.home = str(setup.new_dir("home"))
        self.log_path = str(setup.logs / f"icejobfs-{setup.next_number()}.log")
        self.source = source or sim.url
        self.options = ["qps=1000", "discover=off", "refresh=1h", f"state={setup.new_dir('state')}", *options]
        self.args = args
        self.environment = dict(setup.environment, HOME=self.home, XDG_STATE_HOME=self.home)
        self.environment["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
        if sim is not None:
            self.environment["ALIBABA_CLOUD_ACCESS_KEY_ID"] = sim.key_id
            self.environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = sim.key_secret
        self.environment.update(environment or {})
        self.process = None
        self.expected = []
        self.judged = False

    # ---- life

    def command(self):
        return [
            *self.setup.program("icejobfs"), *self.args, "-o", ",".join(self.options), self.source, self.point,
        ]

    def start(self):
        """Start the daemon in front; wait until the mount answers."""
        self.judged = False
        with open(self.log_path, "ab") as log:
            self.process = processes.start(
                self.command(), self.who, env=self.environment, stdout=log, stderr=log, cwd="/"
            )
        wait_until(self.answers, 20, f"the mount answers; log: {self.log_path}")
        return self

    def answers(self):
        """Whether the mount is there and alive; the daemon must be. (statfs always asks the daemon: attributes
        may come from the kernel's cache, also those of a dead mount.)"""
        alive = self.process is None or self.process.poll() is None
        assert alive, f"the daemon ended: {self.log()[-3000:]}"
        if not self.mounted():
            return False
        # Its type too: where a dead mount has just been taken away the folder below answers for a moment.
        kind = self.run("stat", "-f", "-c", "%t", self.point)
        return kind.status == 0 and kind.text.strip() == FUSE_TYPE

    def mounted(self):
        return self.point in mountinfo()

    def connection(self):
        entry = mountinfo().get(self.point)
        return entry and entry[0]

    def unmount(self):
        """As a user would; the result of the command."""
        command = ["umount"] if self.setup.mode == "system" else ["fusermount3", "-u"]
        return processes.run([*command, self.point], who=self.who)

    def unmount_soon(self, timeout=10):
        """As a user who tries again: whoever reads below a mount keeps it busy for the moment."""
        processes.wait_until(lambda: self.unmount().status == 0, timeout, "it can be unmounted")

    def wait_end(self, timeout=10):
        """The daemon's exit status."""
        try:
            return self.process.wait(timeout=timeout * processes.SLOW)
        except subprocess.TimeoutExpired:
            state = process_state(self.process.pid)
            raise Stuck(f"the daemon did not end within {timeout} s:\n{state}") from None

    def stop(self, how=signal.SIGTERM):
        """End the daemon and judge the whole run: exit status, mount table, log."""
        if self.process is None or self.judged:
            return
        self.judged = True
        try:
            if self.process.poll() is None:
                self.process.send_signal(how)
            status = self.wait_end()
            assert status == 0, f"the daemon's exit status is {status}: {self.log()[-3000:]}"
            assert not self.mounted(), "the mount is still there after the daemon's end"
        finally:
            self.destroy()
        self.judge_log()

    def judge_log(self):
        bad = [
            line
            for line in self.log().splitlines()
            if SURPRISES.search(line) and not any(re.search(e, line) for e in self.expected)
        ]
        assert not bad, "the daemon's log holds surprises:\n" + "\n".join(bad[:20])

    def expect_log(self, pattern):
        """Lines with this are no surprise in this test."""
        self.expected.append(pattern)

    def crash(self):
        """SIGKILL the daemon; the dead mount stays."""
        self.judged = True
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)

    def destroy(self):
        """Leave nothing behind, however stuck it is."""
        if self.process is not None and self.process.poll() is None:
            connection = self.connection()
            if connection and os.path.exists(f"/sys/fs/fuse/connections/{connection}/abort"):
                try:
                    with open(f"/sys/fs/fuse/connections/{connection}/abort", "w") as f:
                        f.write("1")
                except OSError:
                    pass
            processes.kill_group(self.process)
        for _ in range(5):
            if not self.mounted():
                break
            lazy = ["umount", "-l"] if os.getuid() == 0 else ["fusermount3", "-u", "-z"]
            processes.run([*lazy, self.point])

    def report(self, state=False):
        """For a failing test: where the log is; with `state`, what the daemon does."""
        lines = [f"command: {' '.join(self.command())}", f"log: {self.log_path}"]
        if state and self.process is not None and self.process.poll() is None:
            lines.append(process_state(self.process.pid))
        lines.append("the log's end:")
        lines.extend(self.log().splitlines()[-30:])
        return "\n".join(lines)

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def threads(self):
        """How many threads the daemon has."""
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"^Threads:\s+(\d+)", f.read(), re.M).group(1))

    # ---- use

    def path(self, *parts):
        return "/".join([self.point, *parts])

    def job(self, job, *parts):
        return self.path("jobs", job, *parts)

    def run(self, *args, timeout=15, **kwargs):
        """Run a program as the user of the mount."""
        return processes.run(args, timeout, self.who, cwd="/", env=self.setup.environment, **kwargs)

    def sh(self, script, timeout=15):
        return self.run("bash", "-c", f"cd {self.point} && {script}", timeout=timeout)

    def start_run(self, *args):
        """Start a program and do not wait for it."""
        return processes.start(
            args, self.who, cwd="/", env=self.setup.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def ops(self, name, timeout=20, **arguments):
        """Call a function of ops.py as the user of the mount."""
        return agents.call(self.setup.ops, self.who, self.setup.environment, name, arguments, timeout)

    def start_ops(self, name, arguments):
        """Start a function of ops.py in the background; `finish_ops` gives its answer."""
        process = processes.start(
            [sys.executable, self.setup.ops, name], self.who, cwd="/", env=self.setup.environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        process.stdin.write(json.dumps(arguments).encode())
        process.stdin.close()
        process.stdin = None
        return process

    def finish_ops(self, process, timeout=20):
        result = processes.finish(process, timeout)
        assert result.status == 0, result
        return json.loads(result.out)

    def read(self, *parts, timeout=15):
        """The bytes of a file; OSError with its errno when it cannot be read."""
        answer = self.ops("read", timeout=timeout, path=self.path(*parts))
        if "errno" in answer:
            raise OSError(answer["number"], answer["errno"], "/".join(parts))
        return bytes.fromhex(answer["hex"])

    def errno(self, *parts, timeout=15):
        """The name of the errno that reading a file gives; None when it can be read."""
        return self.ops("read", timeout=timeout, path=self.path(*parts)).get("errno")

    def field(self, job, name, timeout=15):
        """A job's field as text without its line feed."""
        return self.read("jobs", job, name, timeout=timeout).decode().rstrip("\n")

    def listing(self, *parts):
        return sorted(self.ops("listing", path=self.path(*parts)))
