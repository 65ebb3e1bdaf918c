"""A process's memory, descriptors and threads over time."""

import os
import re
import threading
import time


class Vitals(threading.Thread):
    def __init__(self, pid, pause=0.25):
        super().__init__(daemon=True)
        self.pid, self.pause = pid, pause
        self.samples = []
        self.over = threading.Event()

    def sample(self):
        with open(f"/proc/{self.pid}/status") as f:
            text = f.read()
        facts = {
            "t": time.monotonic(),
            "rss_kb": int(re.search(r"^VmRSS:\s+(\d+)", text, re.M).group(1)),
            "threads": int(re.search(r"^Threads:\s+(\d+)", text, re.M).group(1)),
        }
        try:
            facts["descriptors"] = len(os.listdir(f"/proc/{self.pid}/fd"))
        except PermissionError:  # the daemon's are root's alone to see
            facts["descriptors"] = 0
        return facts

    def run(self):
        while not self.over.wait(self.pause):
            self.samples.append(self.sample())

    def stop(self):
        self.over.set()
        self.join(10)
        assert len(self.samples) >= 3, f"the process could not be looked at for three times {self.pause} s"

    @property
    def third_ends(self):
        """When the first third was over."""
        return self.samples[len(self.samples) // 3]["t"]

    def thirds(self, name):
        """The most in the first third, and in the last."""
        third = len(self.samples) // 3
        values = [s[name] for s in self.samples]
        return max(values[:third]), max(values[-third:])
