"""Short versions of the heavy proofs of tests/soak, and that each can fail."""

import copy
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))

from soak import budget, kill, latency, studio
from soak.world import World

BUSY = 0.3  # seconds of margin: other tests run beside
LATE = 1  # the same for a bound that no event at all may break


@pytest.fixture
def world(request, setup):
    with World(setup) as made:
        request.node.mounts = made.mounts
        yield made


@pytest.mark.heavy
def test_a_watcher_has_its_event_within_refresh(world):
    figures = latency.measure(world, jobs=250, changes=60, refresh=0.5, seconds=4)
    latency.judge(figures, LATE)


@pytest.mark.heavy
def test_a_slower_refresh_breaks_the_bound_of_a_faster_one(world):
    """The twin of the test before: it can fail."""
    figures = latency.measure(world, jobs=10, changes=20, refresh=3, seconds=3)
    with pytest.raises(AssertionError):
        latency.judge(dict(figures, **{"refresh ms": 500}), LATE)


@pytest.mark.heavy
def test_the_budget_holds_under_pressure_and_throttling(world):
    arguments = {"jobs": 200, "qps": 25, "seconds": 5, "refresh": 0.5}
    budget.judge(budget.measure(world, **arguments), budget.measure_twin(world, **arguments))


def test_whatever_is_killed_nobody_hangs(world):
    figures = kill.measure(world, rounds=3)
    assert figures["killed: daemon"] == figures["killed: notifier"] == figures["killed: both"] == 1
    if world.setup.mode == "system":  # a user's may meet the notifier where namespaces are forbidden
        assert figures["unmounting refused"] == 0


@pytest.mark.heavy
def test_every_change_that_can_be_seen_is_told_once(world):
    day = studio.Day(world, jobs_a_day=5000, speed=100, refresh=0.1)
    day.record(4)
    figures = studio.compare(day.recorder, day.truth, 0.1 + BUSY)
    assert figures["status changes told"] >= 10
    for damage in (lose_a_change, tell_a_change_twice, lose_a_ring, move_a_link_twice):
        damaged = Damaged(day.recorder)
        damage(damaged)
        with pytest.raises(AssertionError):
            studio.compare(damaged, day.truth, 0.1 + BUSY)


class Damaged(studio.Recorder):
    """A copy of what was recorded, to be spoilt: the twins of the test before."""

    def __init__(self, recorder):
        self.seen, self.watched = copy.deepcopy(recorder.seen), recorder.watched


def is_change(e):
    return "line" in e and e["line"].get("was") is not None


def first(seen, wanted):
    return next(i for i, e in enumerate(seen) if wanted(e))


def lose_a_change(recorded):
    del recorded.seen[first(recorded.seen, is_change)]


def tell_a_change_twice(recorded):
    i = first(recorded.seen, is_change)
    recorded.seen.insert(i, recorded.seen[i])


def lose_a_ring(recorded):
    """The one that is farthest from the beginning of its watch, which may have come too late for others."""
    rings = [e for e in recorded.events() if e["mask"] == ["CLOSE_WRITE"]]
    recorded.seen.remove(max(rings, key=lambda e: e["t"] - recorded.watched.get(e["on"], e["t"])))


def move_a_link_twice(recorded):
    i = first(recorded.seen, lambda e: "MOVED_TO" in e.get("mask", []))
    again = dict(recorded.seen[i], cookie=1)
    recorded.seen[i + 1 : i + 1] = [dict(again, mask=["MOVED_FROM"]), again]
