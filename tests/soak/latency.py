"""How long after the service has a new status a watcher has its event.

Many unfinished jobs, enough budget; jobs end at random moments, one by one. Measured from before the service
is told to the moment at which a process that watches by-status/Success has the event: `refresh` + 50 ms at
the 99th percentile. And what that costs: lists of 100 jobs a page, and Gets, for each round of the refresh."""

import math
import random
import time

from support.processes import wait_until

from .recorder import Recorder
from .studio_jobs import finish, know, metric, put_processing
from .world import parser, percentile, run, show

MARGIN = 0.050


def arrivals(recorder):
    """Job -> when its link came."""
    return {e["name"]: e["t"] for e in recorder.events() if "MOVED_TO" in e["mask"] or "CREATE" in e["mask"]}


def end_at_random_moments(sim, jobs, seconds):
    """Job -> when the service was told; and how long it took, at most, to do so: a busy machine shows there."""
    told, begin, slow = {}, time.monotonic(), 0
    for job, moment in zip(jobs, sorted(random.uniform(0, seconds) for _ in jobs), strict=True):
        time.sleep(max(0, begin + moment - time.monotonic()))
        told[job] = time.monotonic()
        finish(sim, job)
        slow = max(slow, time.monotonic() - begin - moment)
    return told, slow


def settle(mount, sim, refresh):
    """What reading the jobs for the first time has caused is over, and the pace of their Gets is that of rest."""
    wait_until(lambda: metric(mount, "refresh_rounds_total") >= 2, 10 + 4 * refresh, "the refresh is under way")


def measure(world, *, jobs, changes, refresh, seconds, qps=1000):
    """The figures. `changes` of the jobs end within so many seconds; as many again keep the number up."""
    sim = world.sim()
    every = put_processing(sim, jobs + changes)
    mount = world.mount(sim, f"refresh={refresh}", f"qps={qps}")
    know(mount, every)
    recorder = Recorder(mount, success="by-status/Success")
    settle(mount, sim, refresh)
    rounds = metric(mount, "refresh_rounds_total")
    sim.reset()
    told, slow = end_at_random_moments(sim, random.sample(every, changes), seconds)
    wait_until(lambda: len(arrivals(recorder)) >= changes, 20 * refresh, "every event has come")
    calls, rounds = sim.stats()["calls"], metric(mount, "refresh_rounds_total") - rounds
    recorder.stop()
    got = arrivals(recorder)
    late = [got[job] - told[job] for job in told]
    return {
        "unfinished jobs": jobs,
        "changes": changes,
        "latency p50 ms": percentile(late, 0.50) * 1000,
        "latency p99 ms": percentile(late, 0.99) * 1000,
        "latency max ms": max(late) * 1000,
        "refresh ms": refresh * 1000,
        "telling the service, max ms": slow * 1000,
        "rounds": int(rounds),
        "lists": calls["ListMediaProducingJobs"],
        "lists a round": calls["ListMediaProducingJobs"] / rounds,
        "Gets a round": calls["GetMediaProducingJob"] / rounds,
        "bound of lists": math.ceil((jobs + changes) / 100),
    }


def judge(figures, margin=MARGIN):
    bound = figures["refresh ms"] + margin * 1000
    assert figures["latency p99 ms"] <= bound, f"events come later than {bound:g} ms"
    rounds = figures["rounds"] + 1  # and the one that was under way at the end
    assert figures["lists"] <= figures["bound of lists"] * rounds, "a round costs too many lists"


def proof(world, options):
    figures = measure(
        world, jobs=options.jobs, changes=options.changes, refresh=options.refresh, seconds=options.seconds,
        qps=options.qps,
    )
    show(figures)
    judge(figures)


def main():
    p = parser(__doc__)
    p.add_argument("--jobs", type=int, default=1000, help="unfinished jobs that stay so")
    p.add_argument("--changes", type=int, default=600, help="jobs that end")
    p.add_argument("--refresh", type=float, default=1)
    p.add_argument("--seconds", type=float, default=60, help="within which they end")
    p.add_argument("--qps", type=int, default=1000)
    run("latency", p.parse_args(), proof)
