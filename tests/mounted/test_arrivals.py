"""Jobs that appear in jobs/ without having been named, and jobs that leave."""

import json
import time

import pytest
from support.changes import change, settle
from support.jobs import new_id, processing, success
from support.processes import wait_until
from support.watch import CHANGES, kinds

DISCOVER = ("discover=24h",)


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def fresh(make, sim, **fields):
    """A job of today: discovery looks back from now."""
    fields = dict({"CreateTime": now(), "ModifiedTime": now()}, **fields)
    if make is success:
        fields = dict({"CompleteTime": now()}, **fields)
    return make(sim, **fields)


def lines(m, job):
    """What the log of changes says of a job."""
    found = [json.loads(line) for line in m.read("events.log").decode().splitlines()]
    return [line for line in found if line["job"] == job]


def await_logged(m, job, event, n=1):
    logged = lambda: [line["event"] for line in lines(m, job)].count(event) >= n  # noqa: E731
    wait_until(logged, 20, f"{event} of {job} is logged")


# ---- appearing


def test_a_discovered_job_is_created_in_jobs_with_all_that_belongs_to_it(show, sim, watch, told):
    m = show(*DISCOVER)
    assert m.listing("jobs") == []
    new = new_id()
    w = watch(m, {"jobs": m.path("jobs")}, mask=["CREATE"],
              look={"names": m.job(new), "status": m.job(new, "status"), "listing": m.path("jobs")})  # fmt: skip
    fresh(processing, sim, job=new)
    await_logged(m, new, "created")
    events = w.close()
    assert [(e.name, e.kind, e.dir) for e in events] == ([(new, "CREATE", True)] if told else [])
    for e in events:
        assert {"status", "job_id", "project_id", "create_time", "job.json"} <= set(e.seen["names"])
        assert e.seen["status"] == "Processing\n" and e.seen["listing"] == [new]
    assert m.field(new, "status") == "Processing"
    (created,) = [line for line in lines(m, new) if line["event"] == "created"]
    assert created["status"] == "Processing" and "status" in created["fields"]


def test_a_discovered_job_is_there_before_its_links_and_they_before_its_line(show, sim, watch, told):
    m = show(*DISCOVER)
    assert m.listing("jobs") == [] and m.listing("by-status", "Processing") == [] and m.read("events.log") == b""
    new = new_id()
    places = {"jobs": m.path("jobs"), "link": m.path("by-status", "Processing"), "log": m.path("events.log")}
    w = watch(m, places, mask=["CREATE", "MODIFY"], look={"link": m.path("by-status", "Processing", new)})
    fresh(processing, sim, job=new)
    await_logged(m, new, "created")
    if told:  # the line can be read before it is told of
        w.wait_for("MODIFY", watch="log")
    events = w.close()
    assert [(e.watch, e.kind) for e in events][:3] == (
        [("jobs", "CREATE"), ("link", "CREATE"), ("log", "MODIFY")] if told else []
    )
    assert m.read("by-status", "Processing", new, "status") == b"Processing\n"
    assert m.read("by-date", now()[:10], new, "status") == b"Processing\n"
    assert m.read("by-project", "5" * 32, new, "status") == b"Processing\n"


def test_a_job_that_was_named_first_rings_nothing_in_jobs(show, sim, watch, told):
    m = show(*DISCOVER)
    assert m.listing("jobs") == []
    w = watch(m, {"jobs": m.path("jobs")}, mask=["CREATE"])
    named, found = fresh(processing, sim), new_id()
    assert m.field(named, "status") == "Processing"
    fresh(processing, sim, job=found)
    await_logged(m, found, "created")
    await_logged(m, named, "created")
    events = w.close()
    assert [e.name for e in events if e.name != named] == ([found] if told else [])
    # Discovery may have been faster than the name.
    assert [e.name for e in events].count(named) <= 1
    assert sorted(m.listing("jobs")) == sorted([named, found])


def test_a_job_known_as_missing_that_appears_is_found(show, sim, told):
    m = show(*DISCOVER, "ttl_missing=1h")
    new = new_id()
    assert m.errno("jobs", new, "status") == "ENOENT"
    fresh(processing, sim, job=new)
    await_logged(m, new, "created")
    assert m.field(new, "status") == "Processing"
    assert m.listing("jobs") == [new]


@pytest.mark.heavy
def test_a_thousand_discovered_jobs_do_not_hold_up_a_change(show, sim, watch, told):
    m = show(*DISCOVER, "qps=100")
    job = fresh(processing, sim)
    assert m.field(job, "status") == "Processing"
    assert m.listing("jobs") is not None and m.read("events.log") is not None
    w = watch(m, {"file": m.job(job, "progress"), "jobs": m.path("jobs")}, mask=["CREATE", "CLOSE_WRITE"])
    many = [fresh(success, sim) for _ in range(1000)]
    change(m, job, Progress=55)
    wait_until(lambda: len(m.listing("jobs")) == 1001, 40, "all are there")
    await_logged(m, many[-1], "created")
    wait_until(lambda: len([e for e in m.listing("by-status", "Success")]) == 1000, 20, "all have their link")
    events = w.close()
    assert kinds(events, watch="file") == (["CLOSE_WRITE"] if told else [])
    assert sorted(e.name for e in events if e.watch == "jobs" and e.name != job) == (sorted(many) if told else [])


def test_what_comes_with_the_first_get_of_a_discovered_job_is_created(show, sim, watch, told):
    m = show(*DISCOVER)
    new = new_id()
    sim.fault("hang", job=new)
    fresh(processing, sim, job=new)
    await_logged(m, new, "created")
    assert m.run("ls", m.job(new)).status == 0 and "progress" not in m.listing("jobs", new)
    w = watch(m, {"dir": m.job(new)}, mask=["CREATE"])
    sim.clear()
    wait_until(lambda: m.errno("jobs", new, "progress") is None, 20, "its Get has come")
    await_logged(m, new, "changed")
    events = w.close()
    assert ("CREATE" in kinds(events, "progress")) == told


# ---- leaving


def finished(m, sim, **fields):
    """A finished job, known and told of."""
    job = success(sim, **fields)
    assert m.field(job, "status") == "Success"
    await_logged(m, job, "created")
    return job


def before(told_of, one, other):
    return told_of.index(one) < told_of.index(other)


def test_jobs_that_nobody_reads_leave_after_keep_and_others_stay(show, sim, watch, told):
    m = show("keep=6s")
    other = processing(sim, ProjectId="other")
    assert m.field(other, "status")
    await_logged(m, other, "created")
    read, job = finished(m, sim, ProjectId="read"), finished(m, sim, ProjectId="leaving")
    places = {
        "jobs": m.path("jobs"), "dir": m.job(job), "view": m.path("by-project"), "link": m.path("by-project", "leaving"),
        "Success": m.path("by-status", "Success"),
    }  # fmt: skip
    for place in places.values():
        assert m.run("ls", place).status == 0
    w = watch(m, places, mask=[k for k in CHANGES if k != "OPEN"])
    seen = lambda: m.field(read, "status") and any(e["event"] == "removed" for e in lines(m, job))  # noqa: E731
    wait_until(seen, 40, "one has left, the other is read all the time")
    settle(m, other)
    told_of = [(e.watch, e.name, e.kind) for e in w.close()]
    left = [("link", job, "DELETE"), ("Success", job, "DELETE"), ("view", "leaving", "DELETE"), ("jobs", job, "DELETE")]
    for one in left:
        assert told_of.count(one) == (1 if told else 0)
    if told:
        assert ("dir", "", "DELETE_SELF") in told_of
        assert before(told_of, ("Success", job, "DELETE"), ("dir", "status", "DELETE"))
        assert before(told_of, ("dir", "status", "DELETE"), ("jobs", job, "DELETE"))
    assert set(m.listing("jobs")) == {read, other}
    assert set(m.listing("by-project")) == {"read", "other"}
    assert m.listing("by-status", "Success") == [read]
    removed = lines(m, job)[-1]
    assert (removed["event"], removed["status"], removed["was"]) == ("removed", None, "Success")
    assert job not in m.read("jobs.tsv").decode() and read in m.read("jobs.tsv").decode()
    # Whoever names it again asks the service for it.
    calls = sim.calls(job)
    assert m.field(job, "status") == "Success"
    assert sim.calls(job) == calls + 1
    await_logged(m, job, "created", 2)
    assert m.read("by-project", "leaving", job, "job_id").decode() == job + "\n"


# ---- forgotten by the service


def test_a_job_that_the_service_has_forgotten_stays_and_says_so(show, sim, told):
    m = show()
    job = processing(sim)
    assert m.field(job, "status") == "Processing"
    gone = lambda: m.ops("getxattr", path=m.job(job, "status"), attribute="user.ice.gone").get("value")  # noqa: E731
    assert gone() == "0"
    sim.delete(job)
    wait_until(lambda: m.field(job, "status") and gone() == "1", 20, "it is known to be gone")
    assert m.field(job, "status") == "Processing"
    assert m.listing("jobs") == [job]
    assert m.read("by-status", "Processing", job, "status") == b"Processing\n"
