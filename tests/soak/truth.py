"""What the service shows, looked at over and over, apart from the mount."""

import threading
import time

ORDER = {"Init": 0, "Queuing": 1, "Processing": 2, "Success": 3, "Failed": 3}


class Truth(threading.Thread):
    """`looks[job]` is a list of [status, first seen, last seen], in order."""

    def __init__(self, sim, pause, on_birth):
        super().__init__(daemon=True)
        self.sim, self.pause, self.on_birth = sim, pause, on_birth
        self.looks = {}
        self.over = threading.Event()
        self.trouble = None

    def look(self):
        before = time.monotonic()
        rows = self.sim.control_json("GET", "jobs")["jobs"]
        after = time.monotonic()
        for row in rows:
            if row["id"] not in self.looks:
                self.looks[row["id"]] = []
                self.on_birth(row["id"])
            seen = self.looks[row["id"]]
            if not seen or seen[-1][0] != row["status"]:
                seen.append([row["status"], after, after])
            seen[-1][2] = before

    def run(self):
        try:
            while not self.over.wait(self.pause):
                self.look()
        except Exception as e:  # told by stop(): a thread has nobody to raise to
            self.trouble = e

    def stop(self):
        """One last look, at a clock that stands still."""
        self.over.set()
        self.join(20)
        assert self.trouble is None, f"the service could not be looked at: {self.trouble}"
        self.look()
