"""Faults of the service and of the network: an honest errno, never ENOENT, never a wait without end."""

import json
import signal
import time

import pytest
from support.jobs import new_id, processing, success
from support.processes import wait_until

# Name: (fault, the errnos that a reader without content may get).
FAULTS = {
    "500": (dict(kind="error", status=500, code="InternalError"), {"EIO"}),
    "503": (dict(kind="error", status=503, code="ServiceUnavailable"), {"EIO"}),
    "502 of a proxy": (dict(kind="raw", status=502, body="<html>Bad Gateway</html>", content_type="text/html"), {"EIO"}),
    "throttled": (dict(kind="throttle"), {"EAGAIN"}),
    "throttled with a time": (dict(kind="throttle", retry_after_ms=30000), {"EAGAIN"}),
    "forbidden": (dict(kind="forbidden"), {"EACCES"}),
    "unknown key": (dict(kind="error", status=404, code="InvalidAccessKeyId.NotFound"), {"EACCES"}),
    "token expired": (dict(kind="token_expired"), {"EACCES"}),
    "invalid parameter": (dict(kind="error", status=400, code="InvalidParameter"), {"EINVAL"}),
    "wrong action": (dict(kind="error", status=404, code="InvalidAction.NotFound"), {"EINVAL"}),
    "404 of a proxy": (dict(kind="raw", status=404, body="<html>Not Found</html>", content_type="text/html"), {"EIO", "EPROTO", "EINVAL"}),
    "hang": (dict(kind="hang"), {"ETIMEDOUT"}),
    "dripping": (dict(kind="slow"), {"ETIMEDOUT"}),
    "reset": (dict(kind="reset"), {"EIO"}),
    "cut": (dict(kind="cut"), {"EIO", "EPROTO"}),
    "empty": (dict(kind="empty"), {"EPROTO"}),
    "HTML": (dict(kind="garbage"), {"EPROTO"}),
    "an error that says 200": (dict(kind="ok_error", code="InternalError"), {"EIO"}),
    "another job": (dict(kind="other_job"), {"EPROTO"}),
    "huge": (dict(kind="huge"), {"EPROTO"}),
    "a NUL": (dict(kind="raw", status=200, body='{"RequestId":"R","MediaProducingJob":{"Status":"a\\u0000b"}}'), {"EPROTO"}),
    "a wrong type": (dict(kind="raw", status=200, body='{"RequestId":"R","MediaProducingJob":[1]}'), {"EPROTO"}),
}
# Remembered for longer than a test may take.
REMEMBERED = {"forbidden", "unknown key", "throttled with a time", "invalid parameter", "wrong action"}
faults = pytest.mark.parametrize("name", FAULTS)


@faults
def test_a_reader_without_content_gets_the_faults_errno_and_then_the_job(mount, sim, name):
    fault, errnos = FAULTS[name]
    job = success(sim)
    m = mount("timeout=1s")
    m.expect_log("icejobfs: error: ")
    sim.fault(**fault)
    answer = m.ops("read", path=m.job(job, "status"))
    assert answer.get("errno") in errnos
    assert answer["seconds"] < 4
    sim.clear()
    if name in REMEMBERED:
        return

    def recovered():
        error = m.errno("jobs", job, "status")
        assert error != "ENOENT"
        return error is None

    wait_until(recovered, 8, "the next read after the fault succeeds")


def test_job_not_found_is_enoent(mount, sim):
    """The twin of the faults: here ENOENT is the truth."""
    job = success(sim)
    m = mount()
    sim.delete(job)
    assert m.errno("jobs", job, "status") == "ENOENT"
    assert m.run("stat", m.job(job)).status == 1
    assert m.listing("jobs") == []


def test_job_not_found_with_status_200_is_enoent_too(mount, sim):
    job = new_id()
    sim.fault("ok_error", code="JobNotFound", job=job)
    assert mount().errno("jobs", job, "status") == "ENOENT"


def test_a_wrong_clock_is_corrected_by_the_services_date(mount, sim):
    job = success(sim)
    m = mount()
    sim.fault("skew", seconds=3600)
    assert m.field(job, "status") == "Success"


def test_a_closed_port_is_ehostunreach(mount, new_sim):
    sim = new_sim()
    job = success(sim)
    m = mount("timeout=1s", of=sim)
    sim.kill()
    m.expect_log("icejobfs: error: ")
    assert m.errno("jobs", job, "status") == "EHOSTUNREACH"


@faults
def test_a_reader_with_older_content_gets_that_and_stale_and_the_reason(mount, sim, name):
    fault, _ = FAULTS[name]
    job = processing(sim, Progress=1)
    m = mount("ttl=50ms", "patience=200ms", "timeout=1500ms")
    m.expect_log("icejobfs: error: ")
    assert m.field(job, "progress") == "1"
    assert not m.ops("xattrs", path=m.job(job, "progress")).get("user.ice.error")
    processing(sim, job, Progress=2)
    sim.fault(**fault)
    time.sleep(0.1)  # past the ttl
    for _ in range(2):
        answer = m.ops("read", path=m.job(job, "progress"))
        assert bytes.fromhex(answer["hex"]) == b"1\n"
        assert answer["seconds"] < 1
    told = wait_until(lambda: told_of_failure(m, job), 5, "the failure is told")
    assert told["user.ice.stale"] == "1"


def told_of_failure(m, job):
    told = m.ops("xattrs", path=m.job(job, "progress"))
    return told if told.get("user.ice.error") else None


def test_a_fault_is_never_enoent_for_any_operation(mount, sim):
    job = processing(sim)
    m = mount("timeout=1s")
    m.expect_log("icejobfs: error: ")
    sim.fault("error", status=503, code="ServiceUnavailable")
    for command in (f"cat jobs/{job}/status", f"ls jobs/{job}", f"stat jobs/{job}/media_url", f"test -e jobs/{job}"):
        result = m.sh(command)
        assert result.status != 0, command
        assert "No such file" not in result.errors, command


def test_one_503_is_repeated_and_the_reader_never_knows(mount, sim):
    job = success(sim)
    m = mount("timeout=5s")
    sim.fault("error", status=503, code="ServiceUnavailable", job=job, count=1)
    assert m.field(job, "status") == "Success"
    assert sim.calls(job) == 2


def test_a_503_before_the_reader_has_come_is_repeated_too(mount, sim):
    """A path's LOOKUP begins the call; its OPEN may come after the answer."""
    job = success(sim)
    m = mount("timeout=5s")
    sim.fault("error", status=503, code="ServiceUnavailable", job=job, count=1)
    m.ops("walk", path=m.job(job))
    wait_until(lambda: "will retry" in m.log() or "look-up ended" in m.log(), 10, "its answer has been seen")
    assert "look-up ended" not in m.log()
    assert m.field(job, "status") == "Success"
    assert sim.calls(job) == 2


# ---- a service that hangs


def hang(mount, sim, timeout):
    known = success(sim)
    m = mount(f"timeout={timeout}s")
    m.expect_log("icejobfs: error: ")
    m.field(known, "status")
    sim.fault("hang")
    return m, known


@pytest.fixture
def hanging(mount, sim):
    """A mount that knows one job; the service hangs for all others. (mount, known job)"""
    return hang(mount, sim, 4)


@pytest.fixture
def hanging_long(mount, sim):
    """The same; who is blocked stays so for longer than a busy machine needs for anything else."""
    return hang(mount, sim, 25)


def blocked_reader(m, sim, job, *command):
    """Start a reader of an unknown job and wait until its call is under way."""
    process = m.start_run(*(command or ("cat", m.job(job, "status"))))
    wait_until(lambda: sim.calls(job) > 0 or sim.stats()["inflight"] > 0, 5, "the call is under way")
    return process


def test_no_operation_blocks_longer_than_timeout(hanging):
    m, _ = hanging
    for i, command in enumerate(["cat {}/status", "stat {}", "ls {}", "stat {}/timeline.json", "test -r {}/status"]):
        begin = time.monotonic()
        result = m.sh(command.format("jobs/" + new_id() + str(i)))
        assert result.status != 0, command
        assert time.monotonic() - begin < 7, command


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_blocked_reader_ends_at_once_on_a_signal(hanging_long, sim, how):
    m, _ = hanging_long
    took = []
    for _ in range(5):
        process = blocked_reader(m, sim, new_id() + "ab")
        begin = time.monotonic()
        process.send_signal(how)
        process.communicate(timeout=10)
        took.append(time.monotonic() - begin)
        assert process.returncode == -how
    assert min(took) < 0.1 and max(took) < 5, took


def test_a_second_reader_of_the_same_waiting_job_can_be_killed_too(hanging_long, sim):
    m, _ = hanging_long
    job = new_id() + "ab"
    first = blocked_reader(m, sim, job)
    second = m.start_run("cat", m.job(job, "status"))
    third = m.start_run("ls", m.job(job))
    time.sleep(0.2)  # they queue behind the first
    assert all(process.poll() is None for process in (first, second, third))
    begin = time.monotonic()
    for process in (third, second, first):
        process.kill()
    for process in (third, second, first):
        process.communicate(timeout=10)
    assert time.monotonic() - begin < 5


def test_other_jobs_answer_at_once_meanwhile(hanging_long, sim):
    m, known = hanging_long
    blocked = [blocked_reader(m, sim, new_id() + "ab") for _ in range(20)]
    for path in (m.job(known, "status"), m.job(known, "job.json"), m.path(".icejobfs", "metrics")):
        took = min(m.ops("read", path=path)["seconds"] for _ in range(3))
        assert took < 0.2
    assert known in m.listing("jobs")
    assert all(process.poll() is None for process in blocked)
    for process in blocked:
        process.kill()
        process.communicate(timeout=10)


def test_a_look_up_that_came_to_nothing_leaves_no_name(hanging, sim):
    m, known = hanging
    assert m.errno("jobs", new_id() + "ab", "status") == "ETIMEDOUT"
    assert m.listing("jobs") == [known]


def test_the_daemon_ends_in_time_while_readers_wait(hanging_long, sim):
    m, _ = hanging_long
    readers = [blocked_reader(m, sim, new_id() + "ab") for _ in range(5)]
    begin = time.monotonic()
    m.stop()
    assert time.monotonic() - begin < 8
    for reader in readers:
        reader.communicate(timeout=5)
        assert reader.returncode == 1


# ---- a service that is down for everybody


def test_while_the_service_is_down_readers_fail_at_once_and_one_probe_asks(mount, sim):
    m = mount("timeout=2s")
    m.expect_log("icejobfs: error: ")
    sim.fault("error", status=503, code="ServiceUnavailable")
    m.ops("drain", paths=[m.job(new_id() + "cd", "status") for _ in range(16)], threads=16)
    wait_until(lambda: json.loads(m.read(".icejobfs", "health.json")), 2)
    answer = m.ops("drain", paths=[m.job(new_id() + "cd", "status") for _ in range(32)], threads=32)
    assert set(answer["errors"]) == {"EIO"}
    assert answer["seconds"] < 5
    sim.clear()
    job = success(sim)
    wait_until(lambda: m.errno("jobs", job, "status") is None, 8, "it answers again")
