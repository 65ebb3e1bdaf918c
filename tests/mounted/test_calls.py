"""What a reader costs: single-flight, remembered answers, ages, the budget."""

import time

import pytest
from support.jobs import new_id, processing, success
from support.processes import wait_until


def test_64_readers_of_one_cold_job_cost_one_call(mount, sim):
    job = success(sim)
    sim.fault("delay", job=job, delay_ms=300)  # all of them are there before the answer
    m = mount()
    answers = m.ops("readers", paths=[m.job(job, "status")] * 64)
    assert len({answer["sha"] for answer in answers}) == 1
    assert sim.calls(job) == 1


def test_readers_of_different_fields_of_a_cold_job_share_the_call(mount, sim):
    job = success(sim)
    sim.fault("delay", job=job, delay_ms=300)
    m = mount()
    names = ["status", "progress", "media_url", "job.json", "user_data.json", "duration"]
    assert all("sha" in answer for answer in m.ops("readers", paths=[m.job(job, name) for name in names]))
    assert sim.calls(job) == 1


@pytest.mark.parametrize(
    "name", [".Trash", ".hidden-folder", "autorun.inf", "short", "a b c d e f g", "x" * 129, "中文中文中文", "12345678.txt"]
)
def test_a_name_that_can_be_no_job_is_enoent_and_costs_no_call(mount, sim, name):
    m = mount()
    assert m.errno("jobs", name, "status") == "ENOENT"
    assert m.run("stat", m.job(name)).status == 1
    assert sim.calls() == 0


def test_a_name_that_can_be_no_field_costs_no_call(mount, sim):
    m = mount()
    job = success(sim)
    for name in (".directory", "Thumbs.db", "folder.jpg", "STATUS"):
        assert m.ops("status", path=m.job(job, name)).get("errno") == "ENOENT", name
    assert sim.calls() <= 1  # looking at the job itself


def test_job_not_found_is_enoent_and_remembered_for_ttl_missing(mount, sim):
    job = new_id()
    m = mount("ttl_missing=1500ms")
    begin = time.monotonic()
    for _ in range(5):
        assert m.errno("jobs", job, "status") == "ENOENT"
    if time.monotonic() - begin < 1.4:
        assert sim.calls(job) == 1
    processing(sim, job)  # the service has it from now on
    wait_until(lambda: m.errno("jobs", job, "status") is None, 5, "it is asked again")
    took = time.monotonic() - begin
    assert took >= 1.4
    assert 2 <= sim.calls(job) <= 1 + took / 1.4


def test_finished_jobs_are_not_asked_again(mount, sim):
    done, failed, control = success(sim), processing(sim, Status="Failed"), processing(sim)
    m = mount("ttl=50ms", "patience=5s")
    for _ in range(6):
        for job in (done, failed, control):
            assert m.field(job, "status")
        time.sleep(0.06)  # the ttl is over
    assert (sim.calls(done), sim.calls(failed)) == (1, 1)
    assert sim.calls(control) > 1


def test_an_unfinished_job_is_asked_again_after_ttl_and_not_before(mount, sim):
    job = processing(sim, Progress=1)
    m = mount("ttl=1500ms", "patience=5s")
    begin = time.monotonic()
    m.field(job, "progress")
    processing(sim, job, Progress=2)
    seen = m.field(job, "progress")
    if time.monotonic() - begin < 1.4:
        assert seen == "1" and sim.calls(job) == 1
    wait_until(lambda: m.field(job, "progress") == "2", 5, "the newer answer")
    assert time.monotonic() - begin >= 1.4


def test_listing_and_grep_over_known_jobs_cost_no_call(mount, sim):
    jobs = [processing(sim) for _ in range(15)] + [success(sim) for _ in range(15)]
    m = mount("ttl=10m")
    assert m.sh("cat " + " ".join(f"jobs/{job}/status" for job in jobs)).status == 0
    assert sim.calls() == 30
    for command in ("ls -lR jobs", "find jobs -type f", "grep -rc Status jobs", "du -a jobs", "stat jobs/* jobs/*/*"):
        assert m.sh(command + " >/dev/null").status == 0, command
    assert sim.calls() == 30


def test_listing_finds_no_job_that_nobody_named(mount, sim):
    processing(sim)
    m = mount()
    assert m.sh("ls -lR; find . -type f; ls -A jobs | wc -l").text.splitlines()[-1] == "0"
    assert sim.calls() == 0


def test_a_slow_service_costs_a_reader_of_known_content_no_more_than_patience(mount, sim):
    job = processing(sim, Progress=1)
    m = mount("ttl=100ms", "patience=300ms")
    assert m.field(job, "progress") == "1"
    sim.fault("delay", job=job, delay_ms=6000)
    processing(sim, job, Progress=2)
    time.sleep(0.2)  # past the ttl
    answer = m.ops("read", path=m.job(job, "progress"))
    assert bytes.fromhex(answer["hex"]) == b"1\n"
    assert answer["seconds"] < 4
    assert m.ops("xattrs", path=m.job(job, "progress"))["user.ice.stale"] == "1"
    sim.clear()
    wait_until(lambda: m.field(job, "progress") == "2", 10, "the newer answer")


def test_with_enough_patience_a_reader_gets_the_newer_answer(mount, sim):
    job = processing(sim, Progress=1)
    m = mount("ttl=100ms", "patience=8s")
    m.field(job, "progress")
    sim.fault("delay", job=job, delay_ms=700)
    processing(sim, job, Progress=2)
    time.sleep(0.2)  # past the ttl
    assert m.field(job, "progress") == "2"


def test_the_budget_holds_over_every_second(mount, sim):
    jobs = [success(sim) for _ in range(20)]
    m = mount("qps=8", "timeout=20s")
    sim.reset()
    answer = m.ops("drain", paths=[m.job(job, "status") for job in jobs], threads=20, timeout=30)
    assert not answer["errors"]
    assert sim.stats()["max_per_second"] <= 8
    assert 1.0 < answer["seconds"] < 12


def test_without_that_budget_the_same_calls_come_in_one_second(mount, sim):
    """The twin of the test before: it can fail."""
    jobs = [success(sim) for _ in range(20)]
    m = mount("qps=1000")
    sim.reset()
    assert not m.ops("drain", paths=[m.job(job, "status") for job in jobs], threads=20)["errors"]
    assert sim.stats()["max_per_second"] > 8
