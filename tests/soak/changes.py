"""The service's jobs, kept changing."""

import random
import threading
import time

from .studio_jobs import iso


class Changes(threading.Thread):
    """Changes jobs until it is told to stop: mostly progress, now and then another status. None ends: what has ended
    is not asked for again, also after a restart, and in the long run nothing would change any more."""

    def __init__(self, sim, jobs):
        super().__init__(daemon=True)
        self.sim, self.jobs, self.n = sim, jobs, 0
        self.over = threading.Event()

    def run(self):
        while not self.over.is_set():
            fields = {"Progress": random.randrange(100), "ModifiedTime": iso(time.time())}
            fields["Status"] = random.choices(["Processing", "Init", "Queuing"], [8, 1, 1])[0]
            self.sim.put(random.choice(self.jobs), **fields)
            self.n += 1
            self.over.wait(0.005)

    def stop(self):
        self.over.set()
        self.join(10)
