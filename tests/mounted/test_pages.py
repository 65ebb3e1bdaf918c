"""The pages of finished jobs: the first reader gets them with the answer to OPEN, and they are never old ones."""

import json

import pytest
from support.changes import QUICK, change
from support.jobs import processing, success
from support.processes import wait_until
from test_requests import counted


def files_of(m, job):
    return [m.job(job, name) for name in m.listing("jobs", job)]


def asked_for(m, what):
    """READs of the kernel, and files filled, for what is done; without those of the counters' own file."""
    begin = counted(m, "fs_read")
    own = counted(m, "fs_read") - begin
    filled = counted(m, "fs_filled")
    begin = counted(m, "fs_read")
    what()
    return counted(m, "fs_read") - begin - own, counted(m, "fs_filled") - filled


def padded(job, size):
    """user_data.json of exactly so many bytes, the line feed included."""
    text = json.dumps({"job": job, "pad": ""})
    return text[:-2] + "x" * (size - 1 - len(text)) + text[-2:]


def drop(m, path):
    """The kernel drops the pages that it has of a file; it still holds the file."""
    m.ops("dontneed", path=path)


def test_the_first_reader_of_a_finished_file_asks_for_no_content(mount, sim):
    job = success(sim)
    m = mount()
    files = files_of(m, job)
    first = lambda: m.ops("job", path=m.job(job))  # noqa: E731
    assert len(files) > 10
    assert asked_for(m, first) == (0, len(files))
    assert asked_for(m, first) == (0, 0)


def test_an_unfinished_file_is_asked_for_each_time(mount, sim):
    job = processing(sim)
    m = mount()
    reads, filled = asked_for(m, lambda: m.ops("job", path=m.job(job)))
    assert reads >= len(files_of(m, job)) and filled == 0


@pytest.mark.parametrize("size", [64, 4095, 4096, 4097, 8192, 32767, 32768, 32769, 200000])
def test_content_is_whole_whether_it_came_with_open_or_was_asked_for(mount, sim, size):
    m = mount()
    job = success(sim)
    text = padded(job, size)
    sim.put(job, UserData=text)
    path = m.job(job, "user_data.json")
    assert m.ops("status", path=path)["size"] == size
    read = lambda: m.read("jobs", job, "user_data.json")  # noqa: E731
    reads, filled = asked_for(m, lambda: m.ops("read", path=path))
    assert (reads == 0, filled) == ((True, 1) if size <= 32768 else (False, 0))
    assert read() == text.encode() + b"\n"
    drop(m, path)
    reads, filled = asked_for(m, lambda: m.ops("read", path=path))
    assert reads > 0 and filled == 0
    assert read() == text.encode() + b"\n"


def test_many_who_are_the_first_at_once_all_get_the_whole(mount, sim):
    jobs = [success(sim) for _ in range(20)]
    texts = {job: padded(job, 9000) for job in jobs}
    for job in jobs:
        sim.put(job, UserData=texts[job])
    m = mount()
    for job in jobs:
        names = ["user_data.json", "job.json", "status", "user_data.json"]
        paths = [m.job(job, name) for name in names * 4]
        answers = m.ops("readers", paths=paths, by_mmap=True)
        assert len({a["sha"] for a in answers}) == 3
        assert m.read("jobs", job, "user_data.json").decode() == texts[job] + "\n"


def test_a_job_that_ends_is_filled_once_and_with_its_last_version(mount, sim):
    job = processing(sim)
    m = mount(*QUICK)
    path = m.job(job, "status")
    assert m.field(job, "status") == "Processing"
    before = counted(m, "fs_filled")
    change(m, job, Status="Success", Progress=100)
    read = lambda: m.ops("read", path=path)  # noqa: E731
    wait_until(lambda: asked_for(m, read)[0] == 0, 20, "its pages are kept")
    assert counted(m, "fs_filled") == before + 1
    assert m.field(job, "status") == "Success"
    assert asked_for(m, read) == (0, 0)
