"""The budget holds over every second, as the service counts.

1,000 jobs change all the time while eight readers walk everything, and faults that throttle come and go: in
no sliding second do more than `qps` calls arrive. A twin with twice the budget must pass that figure: else
there was no pressure, and the proof would show nothing."""

import time

from support.processes import kill_group

from .changes import Changes
from .studio_jobs import put_processing
from .world import parser, run, show

READERS = [
    "grep -r Processing jobs", "ls -lR .", "cat jobs/*/progress", "find . -type f -size +0",
    "grep -r Success jobs", "ls -lR jobs by-status", "cat jobs/*/timeline.json", "stat jobs/*/status",
]


def throttle_in_turns(sim, seconds):
    """A third of the time the service throttles one call in five."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(seconds / 5, max(0, end - time.monotonic())))
        fault = sim.fault("throttle", rate=0.2, retry_after_ms=200)
        time.sleep(min(seconds / 10, max(0, end - time.monotonic())))
        sim.clear(fault)


def walk(mount, jobs):
    """The readers, each over and over; they name all jobs first, for only what is named is listed."""
    first = " ".join(f"jobs/{job}" for job in jobs)
    return [
        mount.start_run(
            "bash", "-c", f"cd {mount.point} && while :; do ls -d {first}; {command}; done >/dev/null 2>&1"
        )
        for command in READERS
    ]


def measure(world, *, jobs, qps, seconds, refresh):
    sim = world.sim()
    ids = put_processing(sim, jobs)
    mount = world.mount(sim, f"qps={qps}", f"refresh={refresh}", "ttl=1", "patience=1")
    mount.expect_log("icejobfs: error: ")
    sim.reset()
    changes = Changes(sim, ids)
    changes.start()
    readers = walk(mount, ids)
    try:
        throttle_in_turns(sim, seconds)
    finally:
        changes.stop()
        for reader in readers:
            kill_group(reader)
    stats = sim.stats()
    calls = stats["calls"]
    return {
        "jobs": jobs,
        "changes made": changes.n,
        "qps": qps,
        "most calls in a second": stats["max_per_second"],
        "calls": sum(calls.values()),
        "of them lists": calls["ListMediaProducingJobs"],
        "throttled": stats["refused"].get("Throttling.User", 0),
    }


def measure_twin(world, **arguments):
    """The same with twice the budget."""
    return measure(world, **dict(arguments, qps=2 * arguments["qps"]))


def judge(figures, twin):
    assert figures["most calls in a second"] <= figures["qps"], "more calls than the budget in a second"
    assert figures["throttled"] > 0, "nothing was throttled: the proof has not tried that"
    assert twin["most calls in a second"] > figures["qps"], "no pressure: twice the budget makes no more calls"


def proof(world, options):
    arguments = {"jobs": options.jobs, "qps": options.qps, "seconds": options.seconds, "refresh": options.refresh}
    figures = measure(world, **arguments)
    show(figures)
    twin = measure_twin(world, **dict(arguments, seconds=min(options.seconds, 10)))
    print("  the twin:")
    show(twin)
    judge(figures, twin)


def main():
    p = parser(__doc__)
    p.add_argument("--jobs", type=int, default=1000)
    p.add_argument("--qps", type=int, default=50)
    p.add_argument("--refresh", type=float, default=1)
    p.add_argument("--seconds", type=float, default=120)
    run("budget", p.parse_args(), proof)
