"""Nothing known is lost: over restarts, without the service, after the service has forgotten; and what happens when
the disk does not do its part."""

import glob
import json
import os
import stat
import subprocess
import time

import pytest
from support.changes import QUICK, change
from support.jobs import new_id, processing, success
from support.processes import kill_group, wait_until


def health(m):
    return json.loads(m.read(".icejobfs", "health.json"))


def state_of(m):
    return next(o.split("=", 1)[1] for o in m.options if o.startswith("state="))


def database_of(m):
    found = [p for p in glob.glob(state_of(m) + "/*.db")]
    assert len(found) == 1, found
    return found[0]


def saved(m):
    """All that is known is in the store."""
    wait_until(lambda: health(m)["unsaved"] == 0 and health(m)["saved"], 10, "all is saved")


def whole(m, job):
    """All files of a job with contents and times, but for what differs by the moment it is looked at."""
    return m.ops("job", path=m.job(job))


def xattr(m, job, name, file="status"):
    found = m.run("getfattr", "--only-values", "-n", "user.ice." + name, m.job(job, file))
    assert found.status == 0, found
    return found.text


# ---- over a restart


def test_after_a_restart_all_is_there_without_the_service(new_mount, sim):
    m = new_mount(*QUICK).start()
    done, running = success(sim), processing(sim, Timeline='{"长": "' + "x" * 200_000 + '"}')
    for job in (done, running):
        m.field(job, "status")
    for progress in (50, 60):
        change(m, running, Progress=progress)
    before = {job: whole(m, job) for job in (done, running)}
    saved(m)
    m.stop()
    sim.kill()
    m.start()
    assert sorted(m.listing("jobs")) == sorted([done, running])
    for job in (done, running):
        assert whole(m, job) == before[job]
    assert xattr(m, running, "stale") == "1"
    assert xattr(m, done, "stale") == "0"  # what has ended does not age
    assert m.listing("by-status", "Success") == [done]
    assert m.listing("by-status", "Processing") == [running]


def test_finished_jobs_cost_no_call_after_a_restart(new_mount, sim):
    m = new_mount().start()
    jobs = [success(sim) for _ in range(5)]
    for job in jobs:
        m.field(job, "status")
    saved(m)
    m.stop()
    sim.reset()
    m.start()
    assert m.run("grep", "-rc", ".", m.path("jobs")).status == 0
    assert m.run("cat", m.path("jobs.tsv")).text.count("\n") == 6
    assert sim.calls() == 0


def test_after_a_restart_unfinished_jobs_are_confirmed(new_mount, sim):
    m = new_mount(*QUICK).start()
    job = processing(sim)
    m.field(job, "status")
    saved(m)
    m.stop()
    sim.put(job, Progress=77)
    m.start()
    wait_until(lambda: m.field(job, "progress") == "77", 10, "the refresh has found the change")
    assert xattr(m, job, "stale") == "0"


def test_what_a_reader_saw_is_there_after_a_kill(new_mount, sim):
    m = new_mount(*QUICK).start()
    job = processing(sim)
    m.field(job, "status")
    change(m, job, Progress=73)
    saved(m)
    m.crash()
    sim.kill()
    m.start()
    assert m.field(job, "progress") == "73"


def test_that_a_job_is_missing_is_remembered_over_a_restart(new_mount, sim):
    m = new_mount("ttl_missing=10m").start()
    nobodys = new_id()
    assert m.errno("jobs", nobodys, "status") == "ENOENT"
    m.stop()
    sim.reset()
    m.start()
    assert m.errno("jobs", nobodys, "status") == "ENOENT"
    assert sim.calls() == 0


def test_numbers_of_events_go_on_over_restarts(new_mount, sim):
    m = new_mount(*QUICK).start()
    seen = []
    for _ in range(3):
        m.field(processing(sim), "status")
        wait_until(lambda: m.read("events.log"), 10, "a line")
        seen += [json.loads(line)["seq"] for line in m.read("events.log").splitlines()]
        m.stop()
        m.start()
    assert seen == sorted(set(seen))


def test_with_state_none_nothing_is_kept(new_mount, sim):
    m = new_mount("state=none").start()
    job = success(sim)
    m.field(job, "status")
    assert health(m)["store"] == "none"
    m.stop()
    m.start()
    assert m.listing("jobs") == []


# ---- forgotten


def test_a_job_that_the_service_has_forgotten_stays(new_mount, sim):
    m = new_mount("ttl=1").start()
    job = processing(sim)
    assert m.field(job, "status") == "Processing"
    assert xattr(m, job, "gone") == "0"
    sim.delete(job)
    wait_until(lambda: m.field(job, "status") == "Processing" and xattr(m, job, "gone") == "1", 10, "it is gone")
    saved(m)
    m.stop()
    m.start()
    assert m.field(job, "status") == "Processing"
    assert xattr(m, job, "gone") == "1"


def test_finished_jobs_that_nobody_reads_are_forgotten_after_keep(new_mount, sim):
    m = new_mount("keep=5s", *QUICK).start()
    idle, read, running = success(sim), success(sim), processing(sim)
    for job in (idle, read, running):
        m.field(job, "status")
    reader = m.start_run("bash", "-c", f"while read -r _ < {m.job(read, 'status')}; do sleep 0.1; done")
    try:
        wait_until(lambda: idle not in m.listing("jobs"), 30, "it is forgotten")
    finally:
        kill_group(reader)
    assert sorted(m.listing("jobs")) == sorted([read, running])
    assert m.listing("by-status", "Success") == [read]
    assert idle not in m.read("jobs.tsv").decode()
    line = json.loads(m.read("events.log").splitlines()[-1])
    assert (line["event"], line["job"]) == ("removed", idle)
    saved(m)
    m.stop()
    sim.kill()
    m.start()
    assert idle not in m.listing("jobs")
    assert running in m.listing("jobs")


# ---- the files


def test_what_is_kept_is_nobody_elses_and_holds_no_secret(new_mount, sim):
    m = new_mount().start()
    m.field(success(sim), "status")
    saved(m)
    for path in glob.glob(state_of(m) + "/*"):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
        with open(path, "rb") as f:
            assert sim.key_secret.encode() not in f.read(), path


def test_two_mounts_share_a_state_directory(new_mount, sim):
    a = new_mount(*QUICK).start()
    b = new_mount(*QUICK, f"state={state_of(a)}").start()
    jobs = [processing(sim) for _ in range(4)]
    for m in (a, b):
        for job in jobs:
            assert m.field(job, "status") == "Processing"
    # No value twice: the one that was not asked may still show the last but one.
    for m, progress in ((a, 45), (a, 55), (b, 65), (b, 75)):
        change(m, jobs[0], Progress=progress)
    for m in (a, b):
        saved(m)
        assert health(m)["store"] == "fine"
        m.stop()
    sim.kill()
    for m in (a, b):
        m.start()
        assert sorted(m.listing("jobs")) == sorted(jobs)
        assert m.field(jobs[0], "progress") == "75"


# ---- trouble


def trouble(m, name, within=15):
    m.expect_log("icejobfs: error: ")
    wait_until(lambda: health(m)["store"] == name, within, f"health.json says {name}")


def test_a_full_disk_is_said_and_readers_go_on(new_mount, sim, setup):
    if os.getuid() != 0:
        pytest.skip("needs root: a small file system")
    small = str(setup.new_dir("small"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=256k,mode=0700,uid={setup.who.uid}", "small", small], check=True)
    try:
        m = new_mount(*QUICK, f"state={small}").start()
        first = success(sim)
        m.field(first, "status")
        saved(m)
        big = [success(sim, Timeline="{}" + " " * 150_000) for _ in range(4)]
        for job in big:
            m.field(job, "status")
        trouble(m, "full")
        for job in (first, *big):
            assert m.field(job, "status") == "Success"
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        wait_until(lambda: health(m)["store"] == "fine" and health(m)["unsaved"] == 0, 20, "all is saved")
        m.stop()
        sim.kill()
        m.start()
        assert sorted(m.listing("jobs")) == sorted([first, *big])
        assert len(m.read("jobs", big[3], "timeline.json")) == 150_003
        m.stop()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_a_directory_that_cannot_be_written_is_said_and_what_is_in_it_is_shown(new_mount, sim, setup):
    if setup.who.uid == 0:
        pytest.skip("root may write everywhere")
    m = new_mount(*QUICK).start()
    known, later = success(sim), success(sim)
    m.field(known, "status")
    saved(m)
    m.stop()
    state = state_of(m)
    os.chmod(database_of(m), 0o400)
    os.chmod(state, 0o500)
    try:
        m.start()
        assert m.field(known, "status") == "Success"
        m.field(later, "status")
        trouble(m, "read-only")
        assert m.field(later, "status") == "Success"
        os.chmod(state, 0o700)
        os.chmod(database_of(m), 0o600)
        wait_until(lambda: health(m)["store"] == "fine" and health(m)["unsaved"] == 0, 20, "all is saved")
    finally:
        os.chmod(state, 0o700)


@pytest.mark.parametrize("damage", ["garbage", "torn"])
def test_a_damaged_database_is_set_aside_and_never_overwritten(new_mount, sim, damage):
    m = new_mount(*QUICK).start()
    jobs = [success(sim, Timeline="{}" + " " * 20_000) for _ in range(8)]
    for job in jobs:
        m.field(job, "status")
    saved(m)
    m.stop()
    path = database_of(m)
    with open(path, "r+b") as f:
        if damage == "garbage":
            f.write(b"this is no database at all" * 1000)
        else:
            f.seek(4096)
            f.write(os.urandom(8192))
        f.seek(0)
        bad = f.read()
    m.expect_log("icejobfs: error: ")
    m.start()
    job = success(sim)
    assert m.field(job, "status") == "Success"
    for known in jobs:
        assert m.field(known, "status") == "Success"  # of what was lost the service is asked again
    wait_until(lambda: glob.glob(path + ".corrupt-*"), 15, "it is set aside")
    with open(glob.glob(path + ".corrupt-*")[0], "rb") as f:
        assert f.read(len(bad)) == bad
    wait_until(lambda: health(m)["store"] == "fine" and health(m)["unsaved"] == 0, 20, "a new one is well")
    assert os.path.exists(path)


def test_a_locked_database_is_said_and_readers_go_on(new_mount, sim):
    m = new_mount(*QUICK).start()
    m.field(success(sim), "status")
    saved(m)
    holder = subprocess.Popen(
        ["/usr/bin/python3", "-c",
         "import sqlite3, sys, time\n"
         "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
         "c.execute('BEGIN IMMEDIATE')\nprint('held', flush=True)\ntime.sleep(60)", database_of(m)],
        stdout=subprocess.PIPE,
    )
    try:
        holder.stdout.readline()
        job = success(sim)
        begin = time.monotonic()
        assert m.field(job, "status") == "Success"
        assert time.monotonic() - begin < 2
        trouble(m, "busy", 30)
    finally:
        holder.kill()
        holder.wait()
    wait_until(lambda: health(m)["store"] == "fine" and health(m)["unsaved"] == 0, 30, "all is saved")
