"""The log of changes, as a file and as a stream."""

import json
import os
import signal
import time

import pytest
from support.jobs import processing, success
from support.processes import SLOW, kill_group, wait_until


@pytest.fixture
def stream(mount, sim):
    """A mount, and readers of its streams."""
    m = mount("ttl=0,timeout=2s")
    started = []

    def run(*command):
        process = m.start_run(*command)
        os.set_blocking(process.stdout.fileno(), False)
        process.text = b""
        started.append(process)
        return process

    m.start_reader = run
    yield m
    for process in started:
        if process.poll() is None:
            kill_group(process)


def changes(process, n):
    """The next n lines of changes, heartbeats left out."""

    def enough():
        process.text += process.stdout.read() or b""
        lines = [json.loads(line) for line in process.text.split(b"\n")[:-1]]
        found = [line for line in lines if line["event"] != "heartbeat"]
        return len(found) >= n and found

    return wait_until(enough, 10, f"{n} lines")


READ = {"x86_64": "0", "aarch64": "63"}[os.uname().machine]  # the number of read(2)


def asleep(processes):
    """All wait in the kernel for an answer to a read."""

    def waiting():
        for process in processes:
            with open(f"/proc/{process.pid}/wchan") as wchan, open(f"/proc/{process.pid}/syscall") as call:
                if "request_wait_answer" not in wchan.read() or call.read().split()[0] != READ:
                    return False
        return True

    wait_until(waiting, 10, "the readers wait")


def finish_job(m, sim, job):
    success(sim, job)
    m.field(job, "status")


def test_forty_readers_see_each_change_and_end_at_once(stream, sim):
    job, other = processing(sim), processing(sim)
    stream.field(job, "status")
    wait_until(lambda: stream.read("events.log"), 10, "it has been told of")
    readers = [stream.start_reader("cat", stream.path("events")) for _ in range(40)]
    asleep(readers)
    begin = time.monotonic()
    assert stream.run("ls", stream.point).status == 0
    assert time.monotonic() - begin < 1 * SLOW
    finish_job(stream, sim, job)
    stream.field(other, "status")
    for reader in readers:
        changed, created = changes(reader, 2)
        assert (changed["job"], changed["event"]) == (job, "changed")
        assert (changed["was"], changed["status"]) == ("Processing", "Success")
        assert "status" in changed["fields"] and changed["fields"] == sorted(changed["fields"])
        assert (created["job"], created["event"], created["seq"]) == (other, "created", changed["seq"] + 1)
    begin = time.monotonic()
    for reader in readers:
        reader.send_signal(signal.SIGINT)
    assert [reader.wait(timeout=5 * SLOW) for reader in readers] == [-signal.SIGINT] * 40
    assert time.monotonic() - begin < 1 * SLOW


def test_a_read_is_answered_in_time_by_a_heartbeat(stream):
    begin = time.monotonic()
    result = stream.run("head", "-n2", stream.path("events"))
    assert time.monotonic() - begin < 5 * SLOW
    assert [json.loads(line)["event"] for line in result.text.splitlines()] == ["heartbeat"] * 2


def test_a_shell_reads_it_byte_by_byte(stream, sim):
    job = processing(sim)
    reader = stream.start_reader("bash", "-c", f"while read -r l; do echo \"$l\"; done < {stream.path('events')}")
    asleep([reader])
    stream.field(job, "status")
    assert changes(reader, 1)[0]["job"] == job


def test_it_is_listed_nowhere_and_the_log_is(stream, sim):
    job = processing(sim)
    stream.field(job, "status")
    assert "events" not in stream.listing() and "events.log" in stream.listing()
    wait_until(lambda: stream.read("events.log"), 10, "a line")
    log = stream.run("cat", stream.path("events.log")).text
    assert [json.loads(line)["job"] for line in log.splitlines()] == [job]
    assert stream.run("stat", "-c", "%s", stream.path("events.log")).text.strip() == str(len(log.encode()))
    assert stream.run("grep", "-rc", job, stream.path("events.log"), timeout=5).text.strip() == "1"


def test_a_search_of_the_whole_mount_ends(stream, sim):
    job = processing(sim)
    stream.field(job, "status")
    wait_until(lambda: stream.read("events.log"), 10, "a line")
    found = stream.sh(f"grep -rl {job} . | sort", timeout=5).text.splitlines()
    assert "./events.log" in found and f"./jobs/{job}/job_id" in found
    assert "./events" not in found
    assert "events" not in stream.sh("find . -type f", timeout=5).text.replace("events.log", "")


def test_an_interrupt_ends_a_reader_within_100_ms(stream):
    reader = stream.start_reader("cat", stream.path("events"))
    asleep([reader])
    begin = time.monotonic()
    reader.send_signal(signal.SIGINT)
    assert reader.wait(timeout=5 * SLOW) == -signal.SIGINT
    assert time.monotonic() - begin < 0.1 * SLOW


def test_numbers_go_on_over_a_restart(mount, sim):
    m = mount("ttl=0")

    def numbers(n):
        """Those of the log, when so many are told of."""
        lines = wait_until(lambda: len(found := m.read("events.log").splitlines()) == n and found, 10, f"{n} lines")
        return [json.loads(line)["seq"] for line in lines]

    for _ in range(3):
        m.field(processing(sim), "status")
    before = numbers(3)
    assert before == list(range(before[0], before[0] + 3))
    m.stop()
    m.start()
    m.field(processing(sim), "status")
    assert min(numbers(1)) > max(before)


def test_tail_follows_the_log(stream, sim):
    job = processing(sim)
    reader = stream.start_reader("tail", "-n0", "-f", "-s0.1", stream.path("events.log"))
    time.sleep(0.3)
    stream.field(job, "status")
    assert changes(reader, 1)[0]["job"] == job


POLL = """
import os, select, sys
fd = os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK)
try:
    os.read(fd, 1)
    sys.exit("a read did not say EAGAIN")
except BlockingIOError:
    pass
p = select.epoll()
p.register(fd, select.EPOLLIN | (select.EPOLLET if sys.argv[2] == "edge" else 0))
for _ in range(3):
    assert p.poll(0.1) == []
    print('{"event": "heartbeat"}', flush=True)
    assert p.poll(20) == [(fd, select.EPOLLIN)]
    sys.stdout.buffer.write(os.read(fd, 65536))
    sys.stdout.flush()
"""


@pytest.mark.parametrize("kind", ["level", "edge"])
def test_poll_tells_of_each_change(stream, sim, kind):
    reader = stream.start_reader("/usr/bin/python3", "-c", POLL, stream.path("events"), kind)
    for n in range(1, 4):
        wait_until(lambda n=n: beats(reader) >= n, 10, "it polls")
        job = processing(sim)
        stream.field(job, "status")
        assert changes(reader, n)[-1]["job"] == job
    assert reader.wait(timeout=5 * SLOW) == 0, reader.stderr.read()


def beats(process):
    process.text += process.stdout.read() or b""
    return process.text.count(b'"heartbeat"')


def test_blocked_readers_end_with_the_mount(stream):
    readers = [stream.start_reader("cat", stream.path("events")) for _ in range(5)]
    asleep(readers)
    stream.stop()
    assert [(reader.wait(timeout=5 * SLOW), reader.stderr.read()) for reader in readers] == [(0, b"")] * 5
