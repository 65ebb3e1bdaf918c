"""jobs.tsv: a line for each known job, made when somebody reads it."""

import os
import re

from support.changes import change, settle
from support.jobs import processing, success
from support.processes import wait_until
from support.watch import RING, kinds

COLUMNS = ("job_id", "status", "progress", "create_time", "modified_time", "complete_time", "duration", "project_id",
           "media_url", "code", "message")  # fmt: skip
UNESCAPE = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}


def rows(m):
    """The lines below the header, each as a dict; the header is right."""
    header, *lines, rest = m.read("jobs.tsv").decode().split("\n")
    assert header.split("\t") == list(COLUMNS) and rest == ""
    found = []
    for line in lines:
        values = [re.sub(r"\\(.)", lambda e: UNESCAPE[e.group(1)], v) for v in line.split("\t")]
        found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


def made(m):
    text = m.read(".icejobfs", "metrics").decode()
    return int(re.search(r"^icejobfs_fs_tsv_made_total (\d+)$", text, re.M).group(1))


def size(m):
    return int(m.run("stat", "-c", "%s", m.path("jobs.tsv")).text)


def known(m, sim, make=processing, **fields):
    job = make(sim, **fields)
    assert m.field(job, "status")
    return job


def test_it_has_the_fields_of_every_known_job_sorted_by_id(show, sim):
    m = show()
    jobs = [known(m, sim), known(m, sim, success), known(m, sim, Status="Failed", Code="Bad", Message="no, no")]
    found = rows(m)
    assert [row["job_id"] for row in found] == sorted(jobs)
    for row in found:
        files = m.ops("job", path=m.job(row["job_id"]))
        for name, value in row.items():
            content = bytes.fromhex(files[name]["hex"]) if name in files else b"\n"
            assert value.encode() + b"\n" == content


def test_tabs_line_feeds_and_backslashes_are_escaped(show, sim):
    m = show()
    text = "a\tb\nc\\d\re\\t 春天"
    known(m, sim, Message=text)
    assert [row["message"] for row in rows(m)] == [text]
    assert b"a\\tb\\nc\\\\d\\re\\\\t" in m.read("jobs.tsv")


def test_its_size_is_right_before_and_after_it_is_made(show, sim):
    m = show()
    assert size(m) == len(m.read("jobs.tsv"))
    for i in range(3):
        job = known(m, sim, Message="x" * i)
        assert size(m) == len(m.read("jobs.tsv"))
        change(m, job, Message="x" * 1000)
        assert size(m) == len(m.read("jobs.tsv"))
    assert m.sh("wc -c < jobs.tsv; cat jobs.tsv | wc -c; tail -n 1 jobs.tsv | wc -l").text.split()[2] == "1"


def test_it_is_made_once_between_two_changes_and_only_when_read(show, sim):
    m = show()
    job, other = known(m, sim), known(m, sim)
    settle(m, other)
    before = made(m)
    assert m.sh("ls -l; stat jobs.tsv").status == 0
    assert made(m) == before
    for _ in range(3):
        assert rows(m)
    assert made(m) == before + 1
    for progress in (50, 60, 70):
        change(m, job, Progress=progress)
    assert made(m) == before + 1
    m.ops("readers", paths=[m.path("jobs.tsv")] * 8, rounds=3)
    assert made(m) == before + 2
    assert {row["job_id"]: row["progress"] for row in rows(m)}[job] == "70"


def test_who_has_opened_it_keeps_what_was_opened(show, sim):
    m = show()
    job = known(m, sim)
    folder = str(m.setup.new_dir("keep"))
    before = m.read("jobs.tsv")
    reader = m.start_ops("keeps", {"path": m.path("jobs.tsv"), "go": f"{folder}/go", "before": f"{folder}/open"})
    wait_until(lambda: os.path.exists(f"{folder}/open"), 10, "it is open")
    change(m, job, Message="something longer than before")
    after = m.read("jobs.tsv")
    assert m.run("touch", f"{folder}/go").status == 0
    answer = m.finish_ops(reader)
    assert bytes.fromhex(answer["hex"]) == before and answer["end"] == len(before)
    assert after != before and b"something longer" in after


def test_its_mtime_is_that_of_the_last_change_of_a_line(show, sim):
    m = show()
    job, other = known(m, sim), known(m, sim)
    settle(m, other)
    time = lambda: m.run("stat", "-c", "%y", m.path("jobs.tsv")).text  # noqa: E731
    before = time()
    assert rows(m) and time() == before
    change(m, job, Progress=99)
    assert time() > before


def test_a_change_of_a_line_rings_it_once_before_the_status(show, sim, watch, told):
    m = show()
    job, other = known(m, sim), known(m, sim)
    settle(m, other)
    assert size(m) > 0
    w = watch(m, {"tsv": m.path("jobs.tsv"), "dir": m.job(job)})
    change(m, job, Status="Success", Progress=100)
    settle(m, other)
    events = w.close()
    order = [(e.watch, e.name, e.kind) for e in events if e.watch == "tsv" or e.name == "status"]
    ring = [("tsv", "", kind) for kind in RING]
    status = [("dir", "status", kind) for kind in RING]
    assert order[:6] == (ring + status if told else [])
    assert {row["job_id"]: row["status"] for row in rows(m)}[job] == "Success"


def test_a_change_of_no_line_does_not_ring_it(show, sim, watch, told):
    m = show()
    job, other = known(m, sim), known(m, sim)
    settle(m, other)
    assert size(m) > 0
    w = watch(m, {"tsv": m.path("jobs.tsv")})
    change(m, job, UserData='"no column of it"', Title="a key that nobody has documented")
    settle(m, other)  # MediaId: no column either
    assert kinds(w.close()) == []
    change(m, job, Progress=77)
    assert {row["job_id"]: row["progress"] for row in rows(m)}[job] == "77"


def test_it_cannot_be_written(show, sim):
    m = show()
    answer = m.sh("echo x > jobs.tsv")
    assert answer.status != 0 and "Read-only file system" in answer.errors


def test_it_is_the_same_after_a_restart(show, sim):
    m = show()
    for i in range(5):
        known(m, sim, success, Message=f"m\t{i}")
    before = m.read("jobs.tsv")
    m.stop()
    m.start()
    assert size(m) == len(before)
    assert m.read("jobs.tsv") == before
