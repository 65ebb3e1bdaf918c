"""What watchers are told, and when. Each test has its twin with `no_notify`: nothing fires then, and the content
changes all the same."""

import itertools
import os
import re
import signal

import pytest
from support import processes
from support.changes import QUICK, await_change, change, settle, stamp
from support.jobs import processing, success
from support.processes import wait_until
from support.watch import NOT_READS, RING, kinds, named

OWN = {"job.json", "request_id"}  # they change with every change of the job


class World:
    """A mount with an unfinished job that has been looked at, and another that is nobody's business."""

    def __init__(self, m, sim, **fields):
        self.m, self.sim = m, sim
        self.job, self.other = processing(sim, **fields), processing(sim)
        for job in (self.job, self.other):
            assert m.field(job, "status")

    def path(self, *parts):
        return self.m.job(self.job, *parts)

    def by_status(self, status, *parts):
        return self.m.path("by-status", status, *parts)

    def change(self, **fields):
        """Change the job; returns when all of it has been told of."""
        change(self.m, self.job, **fields)
        settle(self.m, self.other)


@pytest.fixture
def world(show, sim):
    return World(show(), sim)


def notified(m):
    """How many operations the notifier has done."""
    return int(re.search(r"^icejobfs_fs_notified_total (\d+)$", m.read(".icejobfs", "metrics").decode(), re.M).group(1))


def changed(events, watch="dir"):
    """The names of a folder's events but for what changes with every change, each with its kinds."""
    found = {}
    for e in events:
        if e.watch == watch and e.name not in OWN:
            found.setdefault(e.name, []).append(e.kind)
    return found


# ---- content


def test_a_change_of_content_rings_the_file_and_its_folder_once(world, watch, told):
    w = watch(world.m, {"file": world.path("progress"), "dir": world.path()})
    world.change(Progress=55)
    events = w.close()
    assert kinds(events, watch="file") == (RING if told else [])
    assert changed(events) == ({"progress": RING} if told else {})
    for name in OWN if told else ():
        assert kinds(events, name, "dir") == RING
    assert world.m.field(world.job, "progress") == "55"


def test_a_file_whose_content_did_not_change_does_not_ring(world, watch, told):
    quiet = ["status", "project_id", "create_time", "user_data.json"]
    w = watch(world.m, {name: world.path(name) for name in quiet} | {"progress": world.path("progress")})
    for progress in (50, 60, 70):
        world.change(Progress=progress)
    events = w.close()
    assert kinds(events) == (RING * 3 if told else [])
    assert {e.watch for e in events} == ({"progress"} if told else set())
    assert world.m.field(world.job, "progress") == "70"


def test_every_change_is_told_of_once(world, watch, told):
    w = watch(world.m, {"file": world.path("progress")})
    for progress in range(41, 66):
        change(world.m, world.job, Progress=progress)
    settle(world.m, world.other)
    assert kinds(w.close()) == (RING * 25 if told else [])
    assert world.m.field(world.job, "progress") == "65"


def test_whoever_reads_after_an_event_reads_the_new_content(world, watch, told):
    look = {"progress": world.path("progress")}
    w = watch(world.m, {"file": world.path("progress")}, mask=["MODIFY", "CLOSE_WRITE"], look=look)
    for progress in range(41, 61):
        change(world.m, world.job, Progress=progress)
        if told:
            w.wait(lambda e, p=progress: e.seen["progress"] == f"{p}\n" and "CLOSE_WRITE" in e.kinds)
    settle(world.m, world.other)
    events = w.close()
    assert len(events) == (40 if told else 0)
    seen = [e.seen["progress"] for e in events]
    assert seen == [f"{p}\n" for p in range(41, 61) for _ in range(2) if told]
    assert world.m.field(world.job, "progress") == "60"


def test_a_reply_that_differs_in_request_id_alone_is_no_change(world, watch, sim, told):
    m = world.m
    w = watch(m, {"dir": world.path(), "job.json": world.path("job.json")}, mask=NOT_READS)
    before, times, calls = stamp(m, world.job), m.sh(f"stat -c '%n %y %z' jobs/{world.job}/*").text, sim.calls(world.job)
    wait_until(lambda: sim.calls(world.job) >= calls + 3, 15, "the service was asked three times")
    settle(m, world.other)
    assert w.close() == []
    assert stamp(m, world.job) == before
    assert m.sh(f"stat -c '%n %y %z' jobs/{world.job}/*").text == times
    change(m, world.job, Progress=77)
    assert stamp(m, world.job) != before


# ---- names


def test_a_field_that_appears_is_created_with_its_full_content(world, watch, told):
    text = '["' + "春天" * 10000 + '"]'
    path = world.path("clips_param.json")
    w = watch(world.m, {"dir": world.path()}, mask=["CREATE", "MODIFY", "CLOSE_WRITE"],
              look={"file": path, "names": world.path()})  # fmt: skip
    assert world.m.errno("jobs", world.job, "clips_param.json") == "ENOENT"  # the kernel remembers that
    world.change(ClipsParam=text)
    events = [e for e in w.close() if e.name == "clips_param.json"]
    assert [e.kind for e in events] == (["CREATE", "MODIFY", "CLOSE_WRITE"] if told else [])
    for e in events:
        assert e.seen["file"] == text + "\n"
        assert "clips_param.json" in e.seen["names"]
    assert world.m.read("jobs", world.job, "clips_param.json") == (text + "\n").encode()


def test_a_field_that_appears_rings_create_open_modify_and_close(world, watch, told):
    w = watch(world.m, {"dir": world.path()})
    world.change(MediaURL="http://b.oss-cn-shanghai.aliyuncs.com/1.mp4", Progress=60)
    events = w.close()
    assert changed(events) == ({"media_url": ["CREATE", *RING], "progress": RING} if told else {})
    assert world.m.field(world.job, "media_url").endswith("/1.mp4")


def test_a_field_that_goes_is_deleted(show, sim, watch, told):
    world = World(show(), sim, Message="wait", Code="Soon")
    gone = world.path("message")
    assert world.m.field(world.job, "message") == "wait"
    w = watch(world.m, {"file": gone, "dir": world.path()})
    world.change(Message=None)
    events = w.close()
    assert kinds(events, watch="file") == (["ATTRIB", "DELETE_SELF", "IGNORED"] if told else [])
    assert changed(events) == ({"message": ["DELETE"]} if told else {})
    assert world.m.errno("jobs", world.job, "message") == "ENOENT"
    assert "message" not in world.m.listing("jobs", world.job)


def test_a_field_that_goes_while_somebody_has_it_open_ends_with_the_last_close(show, sim, watch, told):
    world = World(show(), sim, Message="wait")
    holder = world.m.start_run("bash", "-c", f"exec 5< {world.path('message')} && echo open && exec sleep 60")
    assert holder.stdout.readline() == b"open\n"
    w = watch(world.m, {"file": world.path("message"), "dir": world.path()})
    world.change(Message=None)
    if told:
        w.wait_for("DELETE", "message", "dir")
    assert "DELETE_SELF" not in kinds(w.events, watch="file")
    holder.kill()
    holder.communicate()
    if told:
        w.wait_for("DELETE_SELF", watch="file")
    events = w.close()
    assert kinds(events, watch="file") == (["ATTRIB", "DELETE_SELF", "IGNORED"] if told else [])
    assert world.m.errno("jobs", world.job, "message") == "ENOENT"


def test_a_field_that_comes_and_goes_and_comes_is_told_of_each_time(world, watch, told):
    w = watch(world.m, {"dir": world.path()}, mask=["CREATE", "DELETE"])
    for message in ("one", None, "two", None, "three"):
        world.change(Message=message)
    events = w.close()
    assert named(events) == ([("message", k) for k in ("CREATE", "DELETE") * 2 + ("CREATE",)] if told else [])
    assert world.m.field(world.job, "message") == "three"


# ---- status


def test_a_change_of_status_moves_the_link_with_one_cookie(world, watch, told):
    job = world.job
    w = watch(world.m, {s: world.by_status(s) for s in ("Processing", "Success", "Failed")})
    world.change(Status="Success", Progress=100)
    events = [e for e in w.close() if e.name == job]
    expected = [("Processing", "MOVED_FROM"), ("Success", "MOVED_TO")]
    assert [(e.watch, e.kind) for e in events] == (expected if told else [])
    assert len({e.cookie for e in events}) == (1 if told else 0)
    assert 0 not in {e.cookie for e in events}
    assert job not in world.m.listing("by-status", "Processing")
    assert job in world.m.listing("by-status", "Success")
    assert world.m.read("by-status", "Success", job, "status") == b"Success\n"
    assert world.m.run("test", "-L", world.by_status("Processing", job)).status == 1


def test_a_job_that_becomes_known_gets_its_link(show, sim, watch, told):
    m = show()
    job, other = processing(sim), processing(sim)
    path = m.path("by-status", "Processing")
    assert m.field(other, "status") == "Processing"
    w = watch(m, {"Processing": path}, look={"link": f"{path}/{job}"})
    assert m.run("test", "-L", f"{path}/{job}").status == 1  # the kernel remembers that
    assert m.field(job, "status") == "Processing"
    settle(m, other)
    events = w.close()
    assert named(events) == ([(job, "CREATE")] if told else [])
    for e in events:
        assert e.seen["link"] == f"../../jobs/{job}"
    assert m.read("by-status", "Processing", job, "job_id").decode() == job + "\n"


def test_a_status_that_nobody_has_documented_has_no_link(world, watch, told):
    w = watch(world.m, {s: world.by_status(s) for s in ("Processing", "Success")})
    world.change(Status="Pausing")
    world.change(Status="Success")
    events = [(e.watch, e.kind) for e in w.close() if e.name == world.job]
    assert events == ([("Processing", "DELETE"), ("Success", "CREATE")] if told else [])
    assert world.m.listing("by-status", "Success") == [world.job]


def test_status_rings_last_and_what_it_announces_is_there(show, sim, watch, told):
    world = World(show(), sim, Message="wait")
    m, job = world.m, world.job
    wait_until(lambda: m.read("events.log"), 10, "a line")
    assert m.run("ls", "-l", m.path("events.log")).status == 0
    places = {
        "dir": world.path(), "log": m.path("events.log"),
        "Processing": world.by_status("Processing"), "Success": world.by_status("Success"),
    }  # fmt: skip
    look = {
        "progress": world.path("progress"), "url": world.path("media_url"), "message": world.path("message"),
        "link": world.by_status("Success", job), "old": world.by_status("Processing", job),
        "log": m.path("events.log"),
    }  # fmt: skip
    w = watch(m, places, mask=NOT_READS, look=look)
    change(m, job, Status="Success", Progress=100, MediaURL="http://b/1.mp4", Message=None, CompleteTime="2026-03-01T08:05:00Z")
    if told:
        w.wait_for("CLOSE_WRITE", "status", "dir")
    settle(m, world.other)
    events = w.close()
    # The log rings for the fence's change too, which comes later.
    order = [(e.watch, e.name, e.kind) for e in events]
    if not told:
        assert order == []
        assert m.field(job, "status") == "Success"
        return
    last = order.index(("dir", "status", "MODIFY"))
    assert [e for e in order[last:] if e[0] != "log"] == [("dir", "status", "MODIFY"), ("dir", "status", "CLOSE_WRITE")]
    assert {e[1] for e in order[:last] if e[0] == "dir"} == OWN | {"progress", "media_url", "message", "complete_time"}
    assert ("dir", "message", "DELETE") in order[:last] and ("dir", "media_url", "CREATE") in order[:last]
    assert ("Processing", job, "MOVED_FROM") in order[:last] and ("Success", job, "MOVED_TO") in order[:last]
    assert ("log", "", "MODIFY") in order[:last]
    seen = events[last].seen
    assert seen["link"] == f"../../jobs/{job}" and seen["old"] is None and seen["message"] is None
    assert (seen["progress"], seen["url"]) == ("100\n", "http://b/1.mp4\n")
    assert f'"job":"{job}","event":"changed","status":"Success","was":"Processing"' in seen["log"]


def start_look(m, name, **arguments):
    """Start a function of ops.py that looks over and over; it has begun when this returns."""
    started = str(m.setup.new_dir("look") / "started")
    look = m.start_ops(name, dict(arguments, started=started))
    wait_until(lambda: os.path.exists(started), 10, "it looks")
    return look


def test_links_resolve_at_every_moment_of_a_change_of_status(show, sim, told):
    m = show()
    path = ["Init", "Queuing", "Processing", "Success"]
    for _ in range(3):
        job = processing(sim, Status="Init")
        assert m.field(job, "status") == "Init"
        look = start_look(m, "resolves", paths=[m.path("by-status", s, job, "status") for s in path])
        for status in path[1:]:
            change(m, job, Status=status)
        answer = m.finish_ops(look)
        assert answer["missed"] == 0 and answer["rounds"] > 10


def test_the_listing_has_what_can_be_found_at_every_moment(show, sim, told):
    m = show()
    come, go = [f"Come{i}" for i in range(20)], [f"Go{i}" for i in range(20)]
    for _ in range(5):
        job = processing(sim, **dict.fromkeys(go, "x"))
        assert len(m.listing("jobs", job)) == 29
        names = [f"come{i}" for i in range(20)]
        look = start_look(m, "listed", folder=m.job(job), names=names, gone=[f"go{i}" for i in range(20)])
        change(m, job, **dict.fromkeys(come, "x"), **dict.fromkeys(go, None))
        assert m.finish_ops(look)["wrong"] == []
        assert len(m.listing("jobs", job)) == 29


# ---- what costs nothing, and what is refused


def test_nothing_is_rung_that_the_kernel_does_not_hold(show, sim, told):
    m = show()
    job = processing(sim)
    assert m.field(job, "status")
    before = notified(m)
    change(m, job, Status="Queuing", Progress=1)  # by-status and events.log have never been looked at
    wait_until(lambda: not told or notified(m) >= before + 4, 10, "the four files were rung")
    change(m, job, Progress=2)
    wait_until(lambda: not told or notified(m) >= before + 7, 10, "the three files were rung")
    assert notified(m) == before + (7 if told else 0)
    assert m.field(job, "progress") == "2"


def test_users_cannot_change_anything_and_their_attempts_fire_nothing(world, watch, told):
    m = world.m
    w = watch(m, {"dir": world.path(), "file": world.path("status"), "jobs": m.path("jobs")})
    answers = m.ops("changes", job=world.path(), file=world.path("status"))
    assert None not in answers.values() and set(answers.values()) <= {"EROFS", "EEXIST", "EPERM"}
    assert answers["open for writing"] == answers["create"] == answers["unlink"] == "EROFS"
    assert answers["rename a file"] == answers["symlink"] == "EROFS"
    world.change(Progress=99)
    assert changed(w.close()) == ({"progress": RING} if told else {})


def test_a_file_is_never_seen_empty_or_shorter_by_a_size(world, told):
    m = world.m
    watcher = m.start_ops("sizes", {"path": world.path("user_data.json"), "seconds": 2})
    lengths = set()
    for i in range(12):
        text = '"' + "x" * (10 if i % 2 else 9000) + '"'
        lengths.add(len(text) + 1)
        change(m, world.job, UserData=text)
    seen = m.finish_ops(watcher)
    assert set(seen) <= lengths | {len('{"标题": "春天的故事"}'.encode()) + 1}


def test_all_that_comes_with_the_end_of_a_job_is_told_of(show, sim, watch, told):
    m = show()
    job, other = processing(sim), processing(sim)
    for known in (job, other):
        assert m.field(known, "status") == "Processing"
    w = watch(m, {"dir": m.job(job)}, mask=["CREATE", "CLOSE_WRITE"])
    before = stamp(m, job)
    success(sim, job)
    await_change(m, job, before)
    settle(m, other)
    events = w.close()
    created = [name for name, kind in named(events) if kind == "CREATE"]
    assert created == (["complete_time", "duration", "media_url"] if told else [])
    assert m.field(job, "duration") == "30.5"


def test_a_job_that_is_watched_and_never_read_is_told_of(mount, sim, watch):
    m = mount(*QUICK)
    job = processing(sim)
    w = watch(m, {"dir": m.job(job)})
    wait_until(lambda: sim.calls(job) >= 1, 10, "the job is known")
    sim.put(job, Progress=98)
    w.wait_for("CLOSE_WRITE", "progress", timeout=20)
    assert m.field(job, "progress") == "98"


# ---- a notifier in its place


def mounts_of(pid):
    """The lines of its mount table; none while there is no such process."""
    try:
        with open(f"/proc/{pid}/mountinfo") as f:
            return f.read().splitlines()
    except OSError:
        return []


def test_the_users_notifier_keeps_no_mount_busy_and_none_alive(mount, sim, setup):
    if setup.mode == "system":
        pytest.skip("in system mode its clone is detached; unmounting is tested in test_soak.py")
    if setup.sanitizer == "thread":
        pytest.skip("a process with a second thread, ThreadSanitizer's own, gets no user namespace: it works by paths")
    if processes.run(["unshare", "--user", "--mount", "true"], who=setup.who).status != 0:
        pytest.skip("no user namespaces here (a chroot, or forbidden): it works by paths")
    m = mount(*QUICK)
    world = World(m, sim)
    world.change(Progress=41)
    wait_until(lambda: [line.split(" - ")[1].split()[0] for line in mounts_of(notifier_of(m))] == ["tmpfs"], 10,
               "the notifier is in no mount but its own")  # fmt: skip


# ---- a notifier in trouble


def notifier_of(m):
    """The process id of the notifier of a mount, None while there is none."""
    with open(f"/proc/{m.process.pid}/task/{m.process.pid}/children") as f:
        children = f.read().split()
    for task in os.listdir(f"/proc/{m.process.pid}/task"):
        with open(f"/proc/{m.process.pid}/task/{task}/children") as f:
            children += f.read().split()
    for pid in children:
        with open(f"/proc/{pid}/comm") as f:
            if f.read().strip() == "ice-notifier":
                return int(pid)
    return None


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_without_its_notifier_content_goes_on_and_events_come_back(mount, sim, watch, how):
    m = mount(*QUICK)
    world = World(m, sim)
    world.change(Progress=41)
    first = notifier_of(m)
    os.kill(first, how)
    world.change(Progress=42)  # shown, whoever is told
    assert m.field(world.job, "progress") == "42"
    messages = itertools.count()
    wait_until(
        lambda: notifier_of(m) not in (None, first) or world.change(Message=str(next(messages))), 10, "there is another"
    )
    w = watch(m, {"file": world.path("progress")})
    world.change(Progress=43)
    assert kinds(w.close()) == RING
    assert m.field(world.job, "progress") == "43"
