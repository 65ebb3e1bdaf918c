"""A day of a studio: every status change that could be seen is told once, in order.

The simulator plays a day of 500 jobs, faster than life. Each job is named when it is born. What the service
shows is recorded apart from the mount and compared with what a reader of `events` and a process with inotify
watches (the links of by-status/, and each job's `status`) have seen. A status that stood for `refresh` and
a margin has to be seen; shorter ones may fall between two looks. The daemon's memory grows by no more than
what it knows, its descriptors and threads do not grow at all."""

import time
from collections import defaultdict

from support.processes import wait_until

from .recorder import Recorder
from .truth import ORDER, Truth
from .vitals import Vitals
from .world import parser, run, show

MARGIN = 0.3  # seconds that a status must stand longer than `refresh` to be sure to be seen
NEAR = 0.2  # seconds before a watch: who moved a link then may ring `status` after it
STATUSES = ["Init", "Queuing", "Processing", "Success", "Failed"]
SLACK_KB = 3072  # of memory: an allocator's own needs, the log of events


class Seen:
    """What was seen of one job."""

    def __init__(self):
        self.lines = []  # of the stream
        self.moves = []  # of its link: (time, from, to)
        self.rings = []  # of `status`: times
        self.watched = None  # when the watch on `status` stood

    def chain(self):
        """The statuses that the stream told, in order."""
        assert self.lines[0]["event"] == "created", f"the first line is not its creation: {self.lines[0]}"
        statuses = [self.lines[0]["status"]]
        for line in self.lines[1:]:
            assert line["event"] == "changed", f"a second {line['event']}"
            if line["was"] is not None:
                assert line["was"] == statuses[-1], f"told out of order: {line}"
                statuses.append(line["status"])
            assert line["status"] == statuses[-1], f"another status without a change: {line}"
        return statuses


def links(events):
    """The moves of links: (job, time, from, to), put together by their cookies."""
    half = {}
    for e in events:
        if "CREATE" in e["mask"]:
            yield e["name"], e["t"], None, e["on"]
        elif "MOVED_FROM" in e["mask"]:
            half[e["cookie"]] = e["on"]
        elif "MOVED_TO" in e["mask"]:
            yield e["name"], e["t"], half.pop(e["cookie"]), e["on"]
        elif "DELETE" in e["mask"]:
            raise AssertionError(f"a link is gone: {e}")
    assert not half, f"links that went and came nowhere: {half}"


def sort_by_job(recorder):
    seen = defaultdict(Seen)
    for line in recorder.lines():
        seen[line["job"]].lines.append(line)
    of_links, of_status = [], []
    for e in recorder.events():
        assert "OVERFLOW" not in e["mask"], "the watcher's queue has overflown"
        (of_links if e["on"] in STATUSES else of_status).append(e)
    for job, t, source, target in links(of_links):
        seen[job].moves.append((t, source, target))
    for e in of_status:
        if "CLOSE_WRITE" in e["mask"]:
            seen[e["on"]].rings.append(e["t"])
    for job, t in recorder.watched.items():
        if job in STATUSES or job == "stream":
            continue
        seen[job].watched = t
    return seen


def check_numbers(lines):
    numbers = [line["seq"] for line in lines]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "the stream's numbers have gaps"


def check_order(job, chain, truth):
    ranks = [ORDER[s] for s in chain]
    assert ranks == sorted(set(ranks)), f"{job}: told {chain}"
    assert chain[-1] == truth[-1][0], f"{job}: told {chain}, the service says {truth[-1][0]}"


def check_links(job, chain, moves):
    expected = list(zip([None, *chain[:-1]], chain, strict=True))
    assert [m[1:] for m in moves] == expected, f"{job}: its link went {moves}, told was {chain}"


def check_rings(job, seen):
    """`status` rings once for each change since the watch stood."""
    changes = [t for t, source, _ in seen.moves if source is not None]
    sure = sum(t > seen.watched for t in changes)
    possible = sum(t > seen.watched - NEAR for t in changes)
    assert sure <= len(seen.rings) <= possible, f"{job}: {len(seen.rings)} rings for {sure} to {possible} changes"


def check_missed(job, chain, truth, known, least):
    """Statuses that stood long enough after the job was known; each has been told."""
    long = [s for s, first, last in truth if last - max(first, known) >= least]
    missed = [s for s in long if s not in chain]
    assert not missed, f"{job}: {missed} stood for longer than {least:.2f} s and were not told; told was {chain}"
    return len(long)


def compare(recorder, truth, least):
    """Judge what was seen; the figures."""
    check_numbers(recorder.lines())
    seen = sort_by_job(recorder)
    assert set(seen) == set(truth.looks), "other jobs were told than there are"
    changes = sure = 0
    for job, looks in truth.looks.items():
        chain = seen[job].chain()
        check_order(job, chain, looks)
        check_links(job, chain, seen[job].moves)
        check_rings(job, seen[job])
        sure += check_missed(job, chain, looks, seen[job].watched, least)
        changes += len(chain) - 1
    return {
        "jobs": len(seen),
        "status changes told": changes,
        "statuses that had to be seen": sure,
        "lines of the stream": len(recorder.lines()),
        "rings of status": sum(len(s.rings) for s in seen.values()),
    }


def check_vitals(vitals, grown_kb):
    figures = {}
    for name, slack in (("rss_kb", grown_kb + SLACK_KB), ("descriptors", 6), ("threads", 4)):
        first, last = vitals.thirds(name)
        figures[f"{name}: first third, last third"] = f"{first}, {last}"
        assert last <= first + slack, f"{name} grows: {first} in the first third, {last} in the last"
    return figures


class Day:
    """What was recorded: by the watching process, of the service, of the daemon."""

    def __init__(self, world, jobs_a_day, speed, refresh):
        every = f"{86400 / jobs_a_day:.1f}s"
        self.refresh = refresh
        self.sim = world.sim(jobs=20, args=["--speed", f"{speed:g}", "--every", every, "--span", "1h"])
        self.mount = world.mount(self.sim, f"refresh={refresh}")
        self.recorder = Recorder(self.mount, stream="events", **{s: f"by-status/{s}" for s in STATUSES})
        self.truth = Truth(self.sim, refresh / 8, lambda job: self.recorder.ask(job, f"jobs/{job}/status"))
        self.vitals = Vitals(self.mount.process.pid)

    def record(self, seconds):
        self.truth.start()
        self.vitals.start()
        time.sleep(seconds)
        self.vitals.stop()
        self.sim.freeze()
        self.truth.stop()
        wait_until(lambda: set(self.recorder.watched) >= set(self.truth.looks), 20, "all jobs are watched")
        wait_until(self.all_is_told, 10 + 20 * self.refresh, "the last statuses are told")
        time.sleep(2 * self.refresh)  # what is told twice comes now
        self.recorder.stop()

    def all_is_told(self):
        last = {line["job"]: line["status"] for line in self.recorder.lines()}
        return all(last.get(job) == looks[-1][0] for job, looks in self.truth.looks.items())

    def known_later_kb(self):
        """What knowing the jobs that came after the first third takes at least: their texts, and job.json."""
        born = {job: looks[0][1] for job, looks in self.truth.looks.items()}
        later = [job for job in born if born[job] > self.vitals.third_ends]
        return sum(2 * len(self.sim.reply(job)) for job in later) / 1024


def measure(world, *, jobs_a_day=500, hours, speed, refresh):
    day = Day(world, jobs_a_day, speed, refresh)
    day.record(hours * 3600 / speed)
    figures = compare(day.recorder, day.truth, refresh + MARGIN)
    return {**figures, **check_vitals(day.vitals, day.known_later_kb())}


def proof(world, options):
    refresh = options.refresh or max(0.1, 10 / options.speed)
    show({"hours": options.hours, "speed": options.speed, "refresh s": refresh})
    show(measure(world, jobs_a_day=options.jobs, hours=options.hours, speed=options.speed, refresh=refresh))


def main():
    p = parser(__doc__)
    p.add_argument("--jobs", type=int, default=500, help="a day")
    p.add_argument("--hours", type=float, default=2, help="of the studio's day; 24 for all of it")
    p.add_argument("--speed", type=float, default=100)
    p.add_argument("--refresh", type=float, help="default: 10 s of the studio's time")
    run("studio", p.parse_args(), proof)
