"""Jobs that appear in jobs/ without having been named, and jobs that leave."""

import json
import time

import pytest
from support.changes import QUICK, change, settle
from support.jobs import new_id, processing, success
from support.processes import wait_until
from support.watch import CHANGES, kinds

DISCOVER = ("discover=24h",)


@pytest.fixture(params=["told", "no_notify"])
def told(request):
    return request.param == "told"


@pytest.fixture
def show(mount, told):
    return lambda *options: mount(*QUICK, *options, *([] if told else ["no_notify"]))


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


def await_logged(m, job, event):
    wait_until(lambda: any(line["event"] == event for line in lines(m, job)), 20, f"{event} of {job} is logged")


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


# ---- leaving


def leaves(m, sim, **fields):
    """A finished job, known and told of, that is about to be forgotten."""
    job = success(sim, **fields)
    assert m.field(job, "status") == "Success"
    return job


def test_a_job_that_nobody_reads_leaves_after_keep(show, sim, watch, told):
    m = show("keep=2s", "ttl_missing=1s")
    other = processing(sim, ProjectId="other")
    assert m.field(other, "status") and m.read("events.log") is not None
    job = leaves(m, sim, ProjectId="leaving")
    places = {
        "jobs": m.path("jobs"), "dir": m.job(job), "view": m.path("by-project"),
        "link": m.path("by-project", "leaving"), "status": m.path("by-status", "Success"),
    }  # fmt: skip
    wait_until(lambda: m.run("test", "-L", m.path("by-project", "leaving", job)).status == 0, 10, "its link is there")
    w = watch(m, places, mask=[k for k in CHANGES if k != "OPEN"])
    await_logged(m, job, "removed")
    settle(m, other)
    events = w.close()
    told_of = [(e.watch, e.name, e.kind) for e in events]
    for one in (("link", job, "DELETE"), ("status", job, "DELETE"), ("view", "leaving", "DELETE"), ("jobs", job, "DELETE")):
        assert (one in told_of) == told
    if told:
        assert ("dir", "status", "DELETE") in told_of and ("dir", "", "DELETE_SELF") in told_of
        assert told_of.index(("status", job, "DELETE")) < told_of.index(("dir", "status", "DELETE"))
        assert told_of.index(("dir", "status", "DELETE")) < told_of.index(("jobs", job, "DELETE"))
        assert next(e for e in events if e.watch == "jobs" and e.name == job).dir
    assert m.listing("jobs") == [other] and m.listing("by-project") == ["other"]
    assert m.listing("by-status", "Success") == []
    removed = lines(m, job)[-1]
    assert (removed["event"], removed["status"], removed["was"]) == ("removed", None, "Success")
    assert job not in m.read("jobs.tsv").decode()


def test_a_job_that_has_left_is_asked_for_again_when_it_is_named(show, sim, told):
    m = show("keep=2s")
    job = leaves(m, sim)
    await_logged(m, job, "removed")
    calls = sim.calls(job)
    assert m.field(job, "status") == "Success"
    assert sim.calls(job) == calls + 1
    wait_until(lambda: m.run("test", "-L", m.path("by-status", "Success", job)).status == 0, 10, "its link is back")


def test_a_job_that_is_read_stays(show, sim, told):
    m = show("keep=4s")
    read, idle = leaves(m, sim), leaves(m, sim)
    seen = lambda: m.field(read, "status") and any(e["event"] == "removed" for e in lines(m, idle))  # noqa: E731
    wait_until(seen, 30, "the other one has left")
    assert [line["event"] for line in lines(m, read)] == ["created"]
    assert m.read("by-status", "Success", read, "status") == b"Success\n"


def test_an_unfinished_job_stays(show, sim, told):
    m = show("keep=1s")
    job, idle = processing(sim), leaves(m, sim)
    assert m.field(job, "status") == "Processing"
    await_logged(m, idle, "removed")
    change(m, job, Progress=50)
    assert [line["event"] for line in lines(m, job)] == ["created", "changed"]


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
