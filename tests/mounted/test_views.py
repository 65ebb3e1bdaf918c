"""by-status/, by-project/ and by-date/: where the links are, that they resolve, and who is told when they move. Each
test has its twin with `no_notify`."""

import json
import os

import pytest
from support.changes import change, settle
from support.jobs import new_id, processing, success
from support.processes import wait_until
from support.watch import kinds, named

DAY = "2026-03-01"  # of the jobs that tests make
VIEWS = ("by-status", "by-project", "by-date")


def known(m, sim, **fields):
    """A job that is known, and told of."""
    job = processing(sim, **fields)
    assert m.field(job, "status")
    return job


def groups(m, view):
    return sorted(m.listing(view))


def await_link(m, *parts):
    wait_until(lambda: m.run("test", "-L", m.path(*parts)).status == 0, 15, "the link is there")


# ---- where they are


def test_a_job_has_a_link_in_each_view(show, sim):
    m = show()
    job = known(m, sim, ProjectId="project-1")
    for place in (("by-status", "Processing"), ("by-project", "project-1"), ("by-date", DAY)):
        await_link(m, *place, job)
        assert m.listing(*place) == [job]
        link = m.path(*place, job)
        assert m.run("readlink", link).text.strip() == f"../../jobs/{job}"
        assert m.read(*place, job, "job_id").decode() == job + "\n"
        assert m.run("stat", "-c", "%F %s", link).text.strip() == f"symbolic link {len('../../jobs/') + len(job)}"
    assert groups(m, "by-project") == ["project-1"]
    assert groups(m, "by-date") == [DAY]
    assert groups(m, "by-status") == ["Failed", "Init", "Processing", "Queuing", "Success"]


def test_days_are_those_of_the_creation_in_utc(show, sim):
    m = show()
    late = known(m, sim, CreateTime="2026-02-28T23:59:59Z")
    early = known(m, sim, CreateTime="2026-03-01T00:00:00Z")
    await_link(m, "by-date", "2026-02-28", late)
    await_link(m, "by-date", "2026-03-01", early)
    assert groups(m, "by-date") == ["2026-02-28", "2026-03-01"]


@pytest.mark.parametrize("project", ["春天的项目", "a b\\c", "...", "p" * 255])
def test_a_project_may_have_any_name_that_a_folder_may_have(show, sim, project):
    m = show()
    job = known(m, sim, ProjectId=project)
    await_link(m, "by-project", project, job)
    assert m.read("by-project", project, job, "project_id").decode() == project + "\n"
    assert groups(m, "by-project") == [project]


@pytest.mark.parametrize("project", ["..", ".", "a/b", "p" * 256, "a\nb", None])
def test_what_cannot_be_a_folder_is_no_project(show, sim, project):
    m = show()
    job = known(m, sim, ProjectId=project)
    await_link(m, "by-date", DAY, job)
    assert groups(m, "by-project") == []
    assert m.field(job, "status") == "Processing"


def test_what_is_no_group_is_enoent(show, sim):
    m = show()
    job = known(m, sim, ProjectId="project-1")
    await_link(m, "by-project", "project-1", job)
    for parts in (("by-project", "project-2"), ("by-date", "2026-03-02"), ("by-date", "2026-3-1"), ("by-status", "Lost")):
        assert m.errno(*parts) == "ENOENT"
        assert m.errno(*parts, job, "status") == "ENOENT"
    assert m.errno("by-project", "project-1", new_id(), "status") == "ENOENT"
    assert m.errno("by-date", "..", "by-project", "project-1", job, "status") is None


def test_listing_views_costs_no_call(show, sim):
    m = show("refresh=1h")
    jobs = [known(m, sim, ProjectId=f"project-{i % 3}") for i in range(12)]
    await_link(m, "by-project", "project-2", jobs[11])
    calls = sim.calls()
    listing = m.sh("ls -lR by-status by-project by-date")
    assert listing.status == 0 and all(listing.text.count(f"-> ../../jobs/{job}") == 3 for job in jobs)
    assert sim.calls() == calls


# ---- what is told


def test_a_new_group_is_told_of_before_its_first_link(show, sim, watch, told):
    m = show()
    other = known(m, sim, ProjectId="project-1")
    await_link(m, "by-project", "project-1", other)
    assert m.errno("by-project", "project-2") == "ENOENT"  # the kernel remembers that
    w = watch(m, {"by-project": m.path("by-project"), "by-date": m.path("by-date")},
              mask=["CREATE", "DELETE"], look={"group": m.path("by-project", "project-2")})  # fmt: skip
    job = known(m, sim, ProjectId="project-2", CreateTime="2026-03-02T10:00:00Z")
    settle(m, other)
    events = w.close()
    expected = [("by-project", "project-2", "CREATE", True), ("by-date", "2026-03-02", "CREATE", True)]
    assert [(e.watch, e.name, e.kind, e.dir) for e in events] == (expected if told else [])
    for e in events:
        assert e.seen["group"] in ([], [job])
    assert m.listing("by-project", "project-2") == [job]
    assert m.listing("by-date", "2026-03-02") == [job]


def test_a_link_that_comes_is_told_of_in_each_view(show, sim, watch, told):
    m = show()
    other = known(m, sim, ProjectId="project-1")
    places = {"by-status": "Processing", "by-project": "project-1", "by-date": DAY}
    for view, group in places.items():
        await_link(m, view, group, other)
        assert m.listing(view, group) == [other]
    w = watch(m, {view: m.path(view, group) for view, group in places.items()})
    job = known(m, sim, ProjectId="project-1")
    settle(m, other)
    events = [(e.watch, e.kind) for e in w.close() if e.name == job]
    assert sorted(events) == (sorted((view, "CREATE") for view in VIEWS) if told else [])
    for view, group in places.items():
        assert set(m.listing(view, group)) == {job, other}


def test_a_project_that_appears_later_gets_its_link_then(show, sim, watch, told):
    m = show()
    other = known(m, sim, ProjectId="project-1")
    job = known(m, sim, ProjectId=None)
    await_link(m, "by-project", "project-1", other)
    w = watch(m, {"project": m.path("by-project", "project-1")})
    change(m, job, ProjectId="project-1")
    settle(m, other)
    assert named(w.close()) == ([(job, "CREATE")] if told else [])
    assert m.read("by-project", "project-1", job, "job_id").decode() == job + "\n"


def test_a_job_that_changes_its_project_moves_and_an_empty_group_goes(show, sim, watch, told):
    m = show()
    other = known(m, sim, ProjectId="project-2")
    job = known(m, sim, ProjectId="project-1")
    await_link(m, "by-project", "project-2", other)
    await_link(m, "by-project", "project-1", job)
    w = watch(m, {"view": m.path("by-project"), "from": m.path("by-project", "project-1"),
                  "to": m.path("by-project", "project-2")})  # fmt: skip
    change(m, job, ProjectId="project-2")
    settle(m, other)
    events = w.close()
    moved = [e for e in events if e.name == job]
    assert [(e.watch, e.kind) for e in moved] == ([("from", "MOVED_FROM"), ("to", "MOVED_TO")] if told else [])
    assert len({e.cookie for e in moved}) == (1 if told else 0)
    assert kinds(events, "project-1", "view") == (["DELETE"] if told else [])
    assert ("DELETE_SELF" in kinds(events, watch="from")) == told
    assert groups(m, "by-project") == ["project-2"]
    assert m.errno("by-project", "project-1") == "ENOENT"
    assert set(m.listing("by-project", "project-2")) == {job, other}


def test_a_project_that_goes_takes_its_link_and_its_empty_group_along(show, sim, watch, told):
    m = show()
    other, job = known(m, sim, ProjectId="project-2"), known(m, sim, ProjectId="project-1")
    await_link(m, "by-project", "project-1", job)
    w = watch(m, {"view": m.path("by-project"), "group": m.path("by-project", "project-1")})
    change(m, job, ProjectId=None)
    settle(m, other)
    events = w.close()
    assert kinds(events, job, "group") == (["DELETE"] if told else [])
    assert kinds(events, "project-1", "view") == (["DELETE"] if told else [])
    assert groups(m, "by-project") == ["project-2"]
    assert m.errno("by-project", "project-1", job, "status") == "ENOENT"


def test_a_group_that_goes_and_comes_is_told_of_each_time(show, sim, watch, told):
    m = show()
    other, job = known(m, sim, ProjectId="project-2"), known(m, sim, ProjectId="project-1")
    await_link(m, "by-project", "project-1", job)
    w = watch(m, {"view": m.path("by-project")}, mask=["CREATE", "DELETE"])
    for project in ("project-2", "project-1", None, "project-1"):
        change(m, job, ProjectId=project)
    settle(m, other)
    assert named(w.close()) == ([("project-1", k) for k in ("DELETE", "CREATE") * 2] if told else [])
    assert m.listing("by-project", "project-1") == [job]


# ---- at every moment


class Looker:
    """A function of ops.py that looks over and over, from its first round until it is asked to end."""

    def __init__(self, m, name, **arguments):
        self.m, folder = m, str(m.setup.new_dir("look"))
        self.ended = f"{folder}/ended"
        started = f"{folder}/started"
        self.process = m.start_ops(name, dict(arguments, started=started, ended=self.ended))
        wait_until(lambda: os.path.exists(started), 10, "it looks")

    def end(self):
        assert self.m.run("touch", self.ended).status == 0
        return self.m.finish_ops(self.process)


def test_no_link_dangles_while_jobs_come_and_change(show, sim):
    m = show()
    first = known(m, sim, ProjectId="project-0")
    await_link(m, "by-project", "project-0", first)
    look = Looker(m, "dangling", views=[m.path(view) for view in VIEWS])
    for i in range(6):
        job = known(m, sim, Status="Init", ProjectId=f"project-{i % 2}")
        for status in ("Queuing", "Processing", "Success"):
            change(m, job, Status=status, ProjectId=f"project-{status}")
    answer = look.end()
    assert answer["dangling"] == []
    assert answer["rounds"] > 5 and answer["looked"] > 50


def test_links_of_views_that_do_not_change_resolve_all_the_time(show, sim):
    m = show()
    job = known(m, sim, Status="Init", ProjectId="project-1")
    await_link(m, "by-date", DAY, job)
    await_link(m, "by-project", "project-1", job)
    paths = [m.path("by-project", "project-1", job, "status"), m.path("by-date", DAY, job, "status")]
    look = Looker(m, "always", paths=paths)
    for status in ("Queuing", "Processing", "Success"):
        change(m, job, Status=status)
    answer = look.end()
    assert answer["missed"] == {} and answer["rounds"] > 10


# ---- after a restart


def test_views_are_there_at_once_after_a_restart(show, sim):
    m = show()
    jobs = [known(m, sim, ProjectId=f"project-{i}", CreateTime=f"2026-03-0{i + 1}T08:00:00Z") for i in range(3)]
    jobs.append(success(sim, ProjectId="project-0"))
    assert m.field(jobs[3], "status") == "Success"
    await_link(m, "by-project", "project-0", jobs[3])
    before = m.sh("ls -R by-status by-project by-date").text
    m.stop()
    m.start()
    assert m.sh("ls -R by-status by-project by-date").text == before
    assert all(before.count(job) == 3 for job in jobs)


def test_a_group_of_before_the_restart_goes_with_its_last_link(show, sim, watch, told):
    m = show()
    other, job = known(m, sim, ProjectId="project-2"), known(m, sim, ProjectId="project-1")
    await_link(m, "by-project", "project-1", job)
    m.stop()
    m.start()
    assert groups(m, "by-project") == ["project-1", "project-2"]
    w = watch(m, {"view": m.path("by-project")}, mask=["CREATE", "DELETE"])
    change(m, job, ProjectId="project-2")
    settle(m, other)
    assert named(w.close()) == ([("project-1", "DELETE")] if told else [])
    assert groups(m, "by-project") == ["project-2"]


def test_help_explains_the_views(show, sim):
    m = show()
    text = m.read(".icejobfs", "help.txt").decode()
    for name in ("by-status/", "by-project/", "by-date/", "jobs.tsv", "events.log", "user.ice.gone", "icejobfs wait"):
        assert name in text
    assert json.loads(m.read(".icejobfs", "health.json"))["store"] == "fine"
