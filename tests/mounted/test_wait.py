"""icejobfs wait: woken by the mount, and never left waiting by one that is gone."""

import os
import signal
import time

import pytest
from support.jobs import new_id, processing, success
from support.processes import SLOW, finish, kill_group, wait_until


@pytest.fixture
def waiting(mount, sim):
    """A mount, and a way to run `wait` on its jobs."""
    m = mount("ttl=0,timeout=3s")
    started = []

    def wait(*args):
        made = m.start_run(*m.setup.program("icejobfs"), "wait", *args)
        started.append(made)
        return made

    m.wait = wait
    yield m
    for process in started:
        if process.poll() is None:
            kill_group(process)


def await_watches(process, n):
    """The process watches n inodes."""

    def watches():
        found = 0
        for fd in os.listdir(f"/proc/{process.pid}/fdinfo"):
            try:
                with open(f"/proc/{process.pid}/fdinfo/{fd}") as f:
                    found += f.read().count("inotify wd:")
            except OSError:
                pass
        return found == n

    wait_until(watches, what=f"{n} watches")


def end(m, sim, job, **fields):
    """The job ends, and a reader's look at it tells the mount."""
    success(sim, job, **fields)
    m.field(job, "status")


def test_finished_jobs_are_told_at_once(waiting, sim):
    good, bad = success(sim), success(sim, Status="Failed", Code="Bad", Message="坏\n了")
    result = finish(waiting.wait(waiting.job(good)), 10)
    assert (result.status, result.text) == (0, f"{good}\tSuccess\n")
    result = finish(waiting.wait("--timeout", "5", waiting.job(bad), waiting.job(good)), 10)
    assert (result.status, result.text) == (1, f"{bad}\tFailed\tBad\t坏 了\n{good}\tSuccess\n")


def test_a_change_wakes_it_and_costs_no_calls(waiting, sim):
    jobs = [processing(sim) for _ in range(3)]
    process = waiting.wait("--timeout", "60", *(waiting.job(job) for job in jobs))
    await_watches(process, 3)
    time.sleep(0.1)  # a poller would show in the counts
    calls = sim.calls()
    time.sleep(1)
    assert sim.calls() == calls
    for job in jobs:
        assert process.poll() is None
        end(waiting, sim, job)
    result = finish(process, 10)
    assert result.status == 0
    assert sorted(result.text.splitlines()) == sorted(f"{job}\tSuccess" for job in jobs)


def test_the_path_by_status_will_do(waiting, sim):
    job = processing(sim)
    waiting.field(job, "status")
    wait_until(lambda: job in waiting.listing("by-status", "Processing"), 10, "its link")
    process = waiting.wait(waiting.path("by-status", "Processing", job))
    await_watches(process, 1)
    end(waiting, sim, job)
    assert finish(process, 10).status == 0


def test_out_of_time_is_124_whatever_the_service_does(waiting, sim):
    job = processing(sim)
    begin = time.monotonic()
    assert finish(waiting.wait("--timeout", "300ms", waiting.job(job)), 10).status == 124
    sim.fault(kind="hang", action="GetMediaProducingJob")
    result = finish(waiting.wait("--timeout", "500ms", waiting.job(new_id())), 10)
    assert result.status == 124
    assert "1 of 1 not ended" in result.errors
    assert time.monotonic() - begin < 2.5 * SLOW


def test_misuse_is_2(waiting):
    for args in ([], ["/proc"], [waiting.point], [waiting.job(new_id())], [waiting.job("x")], ["--what", "x"]):
        result = finish(waiting.wait(*args), 10)
        assert (result.status, result.text) == (2, ""), result
        assert len(result.errors.splitlines()) == 1, result


def test_ctrl_c_is_130(waiting, sim):
    process = waiting.wait(waiting.job(processing(sim)))
    await_watches(process, 1)
    process.send_signal(signal.SIGINT)
    assert finish(process, 5).status == 130


def test_it_keeps_no_mount_busy_and_ends_with_it(waiting, sim):
    process = waiting.wait(waiting.job(processing(sim)))
    await_watches(process, 1)
    waiting.unmount_soon()  # its look after the watch ends
    result = finish(process, 10)
    assert (result.status, "the mount went away" in result.errors) == (2, True), result
    assert waiting.wait_end() == 0


def test_a_daemon_that_dies_ends_it(waiting, sim):
    process = waiting.wait(waiting.job(processing(sim)))
    await_watches(process, 1)
    waiting.crash()
    result = finish(process, 15)
    assert (result.status, "the mount went away" in result.errors) == (2, True), result
