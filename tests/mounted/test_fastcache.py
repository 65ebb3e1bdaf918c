"""Files that the kernel opens by itself (`fastcache`). The twin is a mount without it."""

import json
import re

import pytest
from support.changes import QUICK, change, settle
from support.content import files_of
from support.jobs import new_id, processing, success
from support.processes import run, wait_until
from support.watch import RING, kinds


def opens(m):
    """How often the daemon has been asked to open something until now: a text made from now on says it, which
    without an open may be a second old."""
    made = lambda: m.ops("status", path=m.path(".icejobfs", "metrics"))["mtime_ns"]  # noqa: E731
    last = made()
    wait_until(lambda: made() != last, 5, "metrics are made anew")
    return int(re.search(r"^icejobfs_fs_open_total (\d+)$", m.read(".icejobfs", "metrics").decode(), re.M).group(1))


def expected(sim, job):
    return files_of(sim.reply(job))


def files(m, job):
    """Those of the fields: two others change with each reply."""
    return {name: m.read("jobs", job, name) for name in m.listing("jobs", job) if name not in ("request_id", "job.json")}


@pytest.fixture(params=["fastcache", "asked"])
def fast(request, mode):
    if mode == "user" and request.param == "fastcache":
        pytest.skip("an ordinary user has no mount that the kernel keeps read-only")
    return request.param == "fastcache"


@pytest.fixture
def quick(mount, fast):
    return lambda *options: mount(*QUICK, *options, *(["fastcache"] if fast else []))


def test_files_are_opened_without_asking(quick, sim, fast):
    jobs = [success(sim), processing(sim)]
    m = quick()
    for job in jobs:
        assert m.field(job, "status")
    before = opens(m)
    for _ in range(10):
        for job in jobs:
            assert m.field(job, "status") in ("Success", "Processing")
    asked = opens(m) - before
    assert asked == 0 if fast else asked >= 20


def test_content_is_as_always(quick, sim):
    jobs = [success(sim, Timeline="{}" + " " * 200_000), processing(sim)]
    m = quick()
    for job in jobs:
        assert m.ops("job", path=m.job(job)).keys() == set(m.listing("jobs", job))
        assert files(m, job) == expected(sim, job)
    assert m.errno("jobs", new_id(), "status") == "ENOENT"
    wait_until(lambda: len(m.read("jobs.tsv").splitlines()) == 3, 10, "two lines and the header")
    assert json.loads(m.read(".icejobfs", "health.json"))["jobs"] == 2
    assert m.read(".icejobfs", "metrics").endswith(b"# EOF\n")
    wait_until(lambda: len(m.read("events.log").splitlines()) == 2, 10, "two lines")


def test_whoever_reads_after_an_event_reads_the_new_content(quick, sim, watch):
    job, other = processing(sim), processing(sim)
    m = quick()
    for known in (job, other):
        assert m.field(known, "status")
    wait_until(lambda: m.read("events.log"), 10, "a line")
    assert m.read("jobs.tsv")
    paths = {name: m.job(job, name) for name in ("progress", "user_data.json")}
    w = watch(m, {"file": paths["progress"]}, mask=["MODIFY", "CLOSE_WRITE"], look=paths)
    for progress in range(41, 61):
        change(m, job, Progress=progress, UserData=json.dumps({"n": progress}))
        w.wait(lambda e, p=progress: e.seen["progress"] == f"{p}\n" and "CLOSE_WRITE" in e.kinds)
    settle(m, other)
    events = w.close()
    assert kinds(events) == RING[1:] * 20
    assert [e.seen["progress"] for e in events] == [f"{p}\n" for p in range(41, 61) for _ in range(2)]
    for name in paths:  # the doorbell's byte is in no page
        assert m.read("jobs", job, name) == expected(sim, job)[name]
    lines = m.read("events.log").splitlines()
    assert all(json.loads(line)["job"] in (job, other) for line in lines) and len(lines) >= 21
    assert m.read("jobs.tsv").startswith(b"job_id\t") and f"{job}\tProcessing\t60\t".encode() in m.read("jobs.tsv")


def test_fields_come_and_go_and_a_job_ends(quick, sim):
    job = processing(sim)
    m = quick()
    assert m.field(job, "status") == "Processing" and "duration" not in m.listing("jobs", job)
    change(m, job, Status="Success", Progress=100, Duration=30.5)
    wait_until(lambda: m.errno("jobs", job, "duration") is None, 10, "the field is there")
    assert (m.field(job, "status"), m.field(job, "duration")) == ("Success", "30.5")
    assert files(m, job) == expected(sim, job)


def test_nobody_writes(quick, sim):
    job = success(sim)
    m = quick()
    assert m.field(job, "status") == "Success"
    answers = m.ops("changes", job=m.job(job), file=m.job(job, "status"))
    assert set(answers.values()) <= {"EROFS", "EACCES", "EEXIST", "EPERM"}
    assert m.field(job, "status") == "Success"


def test_the_stream_of_events_says_that_it_cannot_be_read_so(quick, fast):
    m = quick()
    found = m.ops("status", path=m.path("events"))
    assert found["errno"] == "ENOTSUP" if fast else found["kind"] == "-"


def test_an_ordinary_user_is_refused(new_mount, sim, mode):
    m = new_mount("fastcache")
    if mode == "system":
        m.start()
        assert m.listing()
        return
    result = run(m.command(), 30, m.who, env=m.environment, cwd="/")
    assert result.status != 0 and not m.mounted()
    assert "fastcache needs" in result.errors
