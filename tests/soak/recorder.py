"""What watching.py sees, kept as it comes."""

import json
import pathlib
import subprocess
import sys
import threading

from support import processes
from support.setup import add_script


class Recorder:
    def __init__(self, mount, **watched):
        """Watch these paths of the mount, by their names here; returns when all are watched."""
        script = add_script(mount.setup.workshop, pathlib.Path(__file__).with_name("watching.py"))
        self.process = processes.start(
            [sys.executable, script, *(f"{name}={mount.path(path)}" for name, path in watched.items())],
            mount.who, cwd="/", env=mount.setup.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        self.mount = mount
        self.seen = []
        self.ready = False
        self.watched = {}  # by name: when its watch stood
        self.thread = threading.Thread(target=self.record, daemon=True)
        self.thread.start()
        processes.wait_until(lambda: self.ready, 20, "all is watched")

    def record(self):
        for text in self.process.stdout:
            line = json.loads(text)
            if line.get("ready"):
                self.ready = True
            elif line.get("watched"):
                self.watched[line["on"]] = line["t"]
            else:
                self.seen.append(line)

    def ask(self, name, path):
        """Watch one more. Returns at once; it is in `watched` when it is."""
        self.process.stdin.write(f"{name}={self.mount.path(path)}\n".encode())
        self.process.stdin.flush()

    def events(self, on=None):
        """The inotify events so far."""
        return [e for e in list(self.seen) if "mask" in e and (on is None or e["on"] == on)]

    def lines(self):
        """The changes that the stream has told, without heartbeats."""
        return [e["line"] for e in list(self.seen) if "line" in e and e["line"]["event"] != "heartbeat"]

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10 * processes.SLOW)
        finally:
            processes.kill_group(self.process)
        self.thread.join(10)
        assert self.process.returncode == 0, "the watching process ended badly"
