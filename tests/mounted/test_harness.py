"""The ground that the other tests stand on can fail: what they rely on is refused here on purpose."""

import os
import signal

import pytest
from support.jobs import new_id, success
from support.mount import mountinfo
from support.processes import Stuck, run


def test_a_program_that_does_not_end_is_stuck_and_killed():
    with pytest.raises(Stuck):
        run(["sleep", "60"], timeout=0.05)


@pytest.mark.parametrize(
    "line",
    [
        "==1==ERROR: AddressSanitizer: heap-use-after-free",
        "WARNING: ThreadSanitizer: data race (pid=1)",
        "src/x.c:1:2: runtime error: signed integer overflow",
        "2026-03-01T08:00:00Z icejobfs: error: something",
    ],
)
def test_a_surprise_in_the_log_is_refused(mount, line):
    m = mount()
    m.stop()
    with open(m.log_path, "a") as f:
        f.write(line + "\n")
    with pytest.raises(AssertionError, match="surprises"):
        m.judge_log()


def test_a_daemon_that_was_killed_is_refused(mount):
    m = mount()
    os.kill(m.process.pid, signal.SIGKILL)
    with pytest.raises(AssertionError, match="exit status is -9"):
        m.stop()
    assert m.point not in mountinfo()


def test_a_daemon_that_answers_nobody_is_taken_away_with_its_readers(mount, sim):
    job = success(sim)
    m = mount()
    m.judged = True
    os.kill(m.process.pid, signal.SIGSTOP)
    reader = m.start_run("cat", m.job(job, "status"))
    with pytest.raises(Stuck):
        m.run("cat", m.job(new_id(), "status"), timeout=0.2)
    m.destroy()
    reader.communicate(timeout=5)
    assert reader.returncode != 0
    assert m.point not in mountinfo()
