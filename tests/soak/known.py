"""What is known costs little and is there at once.

For each number of jobs: discovery finds them all in so many list calls (and how fast), the background gets what lists
lack, everything is saved; then a restart, without the service: how long until the mount answers with the whole list,
how much memory a job costs, and that every file reads the same bytes as before."""

import hashlib
import json
import os
import time

from support.processes import wait_until

from .world import parser, run, show


def health(mount):
    return json.loads(mount.read(".icejobfs", "health.json"))


def resident(mount):
    """Resident memory of the daemon in bytes."""
    with open(f"/proc/{mount.process.pid}/status") as f:
        line = next(line for line in f if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def digest(mount, parts):
    """A checksum over all files of one in `parts` jobs: names and bytes; but for the id of the call."""
    script = (
        f"ls jobs | sort | awk 'NR % {parts} == 0 {{ print \"jobs/\" $0 }}' | xargs -I{{}} find {{}} -type f | "
        "LC_ALL=C sort | xargs sha256sum | sha256sum"
    )
    found = mount.sh(script, timeout=600)
    assert found.status == 0, found
    return found.text.split()[0]


def find_all(mount, sim, jobs):
    """All are found and saved; returns how long finding took, and the list calls until then."""
    begin = time.monotonic()
    wait_until(lambda: health(mount)["jobs"] >= jobs, 900, "all are found")
    took = time.monotonic() - begin
    lists = sim.stats()["calls"]["ListMediaProducingJobs"]
    wait_until(lambda: health(mount)["details_due"] == 0 and health(mount)["unsaved"] == 0, 1800, "all is saved")
    return took, lists


def restart(mount, jobs):
    """Time until the whole list is there; what the daemon's memory is then."""
    begin = time.monotonic()
    mount.start()
    answered = time.monotonic() - begin
    begin = time.monotonic()
    listed = int(mount.sh("ls jobs | wc -l").text)
    assert listed == jobs, f"{listed} of {jobs} jobs are listed"
    return answered, time.monotonic() - begin, resident(mount)


def measure(world, jobs, options):
    sim = world.sim(jobs, args=["--every", "0", "--span", "20h"])
    sim.freeze()
    mount = world.new_mount(sim, f"qps={options.qps}", "discover=24h", "refresh=1h", "cache_size=64M")
    mount.expect_log("service down|cannot be reached")
    mount.start()
    found, lists = find_all(mount, sim, jobs)
    parts = max(1, jobs // 200)
    before = digest(mount, parts)
    calls = sum(sim.stats()["calls"].values())
    table = hashlib.sha256(mount.read("jobs.tsv", timeout=120)).hexdigest()
    assert sum(sim.stats()["calls"].values()) == calls, "reading what is known has cost calls"
    full = resident(mount)
    mount.stop()
    state = next(o.split("=", 1)[1] for o in mount.options if o.startswith("state="))
    disk = sum(os.path.getsize(os.path.join(state, name)) for name in os.listdir(state))
    sim.kill()
    answered, listed, memory = restart(mount, jobs)
    assert digest(mount, parts) == before, "files differ after the restart"
    assert hashlib.sha256(mount.read("jobs.tsv", timeout=120)).hexdigest() == table, "jobs.tsv differs"
    begin = time.monotonic()
    assert int(mount.sh("cat jobs.tsv | wc -l", timeout=120).text) == jobs + 1
    table_s = time.monotonic() - begin
    mount.stop()
    return {
        "jobs": jobs,
        "found after s": found,
        "list calls (pages)": f"{lists} ({-(-jobs // 100)})",
        "bytes of disk a job": disk / jobs,
        "resident MB before the restart": full / 1e6,
        "start until the mount answers, s": answered,
        "ls of all, s": listed,
        "resident MB after the restart": memory / 1e6,
        "jobs.tsv again, s": table_s,
    }


def prove(world, options):
    for jobs in options.jobs:
        figures = measure(world, jobs, options)
        show(figures)
        ceiling = 64e6 + 600 * jobs
        assert figures["resident MB after the restart"] * 1e6 < ceiling, "more memory than promised"
        if jobs <= 100_000:
            assert figures["start until the mount answers, s"] < options.start, "the start takes too long"


def main():
    p = parser(__doc__)
    p.add_argument("--jobs", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    p.add_argument("--qps", type=int, default=2000)
    p.add_argument("--start", type=float, default=1.0, help="seconds that a start may take")
    options = p.parse_args()
    run("known", options, prove)
