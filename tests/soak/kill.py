"""Whatever dies, nobody hangs.

Round after round, at a random moment during changes and with readers that wait (cold jobs, the stream, inotify),
SIGKILL hits the daemon, the notifier, or both. After the daemon's death every reader ends, nothing is left in
D state, and the next mount on the same mount point is clean. After the notifier's death readers stay,
changes go on being shown and told, and an ordinary umount is not refused, once the readers have gone."""

import os
import random
import signal
import time

from support.processes import kill_group, wait_until

from .changes import Changes
from .studio_jobs import know, metric, put_processing
from .world import parser, run, show

COLD = [f"{n:032x}" for n in range(0xC01D0, 0xC01D3)]  # jobs that the service never answers for
PATIENCE = 5  # seconds in which what should end has ended


def children(pid):
    found = set()
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/children") as f:
                found |= {int(child) for child in f.read().split()}
        except OSError:
            pass
    return found


def state(pid):
    """The letter of /proc/PID/stat; None: it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return None


def notifier(mount):
    """The living notifier's process id, or None."""
    return next((pid for pid in children(mount.process.pid) if state(pid) not in (None, "Z")), None)


class Readers:
    """Readers that wait: for cold jobs, for the stream, for events."""

    def __init__(self, mount, jobs):
        cold = [mount.start_run("cat", mount.job(job, "status")) for job in COLD]
        streams = [mount.start_run("cat", mount.path("events")) for _ in range(2)]
        self.of_requests = cold + streams
        self.watcher = mount.start_run(
            "inotifywait", "-m", "-e", "unmount,close_write,moved_to", mount.path("by-status/Queuing"),
            mount.path("by-status/Processing"), *(mount.job(job) for job in jobs[:3]),
        )
        os.set_blocking(self.watcher.stdout.fileno(), False)
        os.set_blocking(self.watcher.stderr.fileno(), False)
        self.said = b""
        self.heard = b""
        self.all = [*self.of_requests, self.watcher]

    def end(self, how=signal.SIGTERM):
        for reader in self.all:
            reader.send_signal(how)
        self.await_end(self.all, "ended by a signal")

    def await_end(self, readers, why):
        """No reader hangs; one that does is killed, and told of."""
        wait_until(lambda: all(r.poll() is not None for r in readers), PATIENCE, f"the readers have {why}")

    def watches(self):
        self.said += self.watcher.stderr.read() or b""
        return b"established" in self.said

    def hears_the_unmount(self):
        self.heard += self.watcher.stdout.read() or b""
        return b"UNMOUNT" in self.heard

    def bury(self):
        for reader in self.all:
            if reader.poll() is None:
                kill_group(reader)
            reader.stdout.close()
            reader.stderr.close()


def assert_nobody_in_d_state(pids):
    def stuck():
        return [pid for pid in pids if state(pid) == "D"]

    wait_until(lambda: not stuck(), PATIENCE, f"nobody is in D state: {stuck()}")


def times_mounted(mount):
    with open("/proc/self/mountinfo") as f:
        return sum(line.split()[4] == mount.point for line in f)


def is_gone(pids):
    return all(state(pid) in (None, "Z") for pid in pids)


def after_the_daemon(mount, readers, pids, then_the_notifier):
    """The daemon, and perhaps the notifier right after it, is killed."""
    mount.crash()
    if then_the_notifier:
        kill(then_the_notifier)
    readers.await_end(readers.of_requests, "ended with the daemon")
    wait_until(lambda: is_gone(pids), PATIENCE, "the notifier has ended with the daemon")
    assert_nobody_in_d_state([*pids, *(r.pid for r in readers.all)])
    mount.start()  # on what the dead one left
    assert times_mounted(mount) == 1
    wait_until(readers.hears_the_unmount, PATIENCE, "who watches is told of the unmount")
    mount.stop()
    assert times_mounted(mount) == 0


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def after_the_notifier(mount, readers, pid):
    """The notifier alone is killed; then the mount is taken away. How often that was refused."""
    kill(pid)
    wait_until(lambda: notifier(mount) not in (None, pid), PATIENCE, "there is another notifier")
    before = metric(mount, "fs_notified_total")
    wait_until(lambda: metric(mount, "fs_notified_total") > before, PATIENCE, "changes are told again")
    assert all(r.poll() is None for r in readers.all), "a reader has ended with the notifier"
    readers.end()
    assert_nobody_in_d_state([pid, *(r.pid for r in readers.all)])
    refused = unmount(mount)
    assert mount.wait_end() == 0
    return refused


def unmount(mount):
    """As users do, while changes go on; how often it was refused."""
    refused = []

    def done():
        result = mount.unmount()
        if result.status != 0:
            assert "busy" in result.errors, result
            refused.append(result)
        return result.status == 0

    wait_until(done, PATIENCE, "it is unmounted")
    return len(refused)


def asked_for_cold(sim):
    asked = sim.stats()["by_job"]
    return sum(job in asked for job in COLD)


def one_round(mount, sim, jobs, victim):
    """How often unmounting was refused."""
    mount.start()
    know(mount, jobs)
    wait_until(lambda: notifier(mount), PATIENCE, "there is a notifier")
    sim.reset()
    readers = Readers(mount, jobs)
    try:
        wait_until(lambda: readers.watches() and asked_for_cold(sim) == len(COLD), PATIENCE, "the readers wait")
        time.sleep(random.uniform(0, 0.2))
        pid = notifier(mount)
        pids = [mount.process.pid, *children(mount.process.pid)]
        if victim == "notifier":
            return after_the_notifier(mount, readers, pid)
        after_the_daemon(mount, readers, pids, pid if victim == "both" else None)
        return 0
    finally:
        readers.bury()


def measure(world, *, rounds, jobs=20):
    sim = world.sim()
    ids = put_processing(sim, jobs)
    mount = world.new_mount(sim, "refresh=100ms", "timeout=30s")
    for job in COLD:
        sim.fault("hang", job=job)
    changes = Changes(sim, ids)
    changes.start()
    counts = {"daemon": 0, "notifier": 0, "both": 0}
    begin, refused = time.monotonic(), 0
    try:
        for n in range(rounds):
            victim = list(counts)[n % len(counts)]
            refused += one_round(mount, sim, ids, victim)
            counts[victim] += 1
    finally:
        changes.stop()
    figures = {f"killed: {victim}": n for victim, n in counts.items()}
    return {**figures, "unmounting refused": refused, "changes made": changes.n, "seconds": time.monotonic() - begin}


def proof(world, options):
    figures = measure(world, rounds=options.rounds)
    show(figures)
    assert figures["unmounting refused"] == 0, "unmounting is refused although no user is on it"


def main():
    p = parser(__doc__)
    p.add_argument("--rounds", type=int, default=200)
    run("kill", p.parse_args(), proof)
