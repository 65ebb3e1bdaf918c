"""The tree is read-only for everybody: every attempt to change it is EROFS, and changes nothing."""

from support.jobs import processing, success


def test_every_attempt_to_change_something_is_erofs(mount, sim):
    job = success(sim)
    m = mount()
    before = m.ops("job", path=m.job(job))
    answers = m.ops("changes", job=m.job(job), file=m.job(job, "status"))
    assert len(answers) > 20
    assert {what: error for what, error in answers.items() if error != "EROFS"} == {}
    assert m.ops("job", path=m.job(job)) == before


def test_the_same_holds_for_an_unfinished_job(mount, sim):
    job = processing(sim)
    m = mount("ttl=10m")
    m.field(job, "status")
    answers = m.ops("changes", job=m.job(job), file=m.job(job, "status"))
    assert {what: error for what, error in answers.items() if error != "EROFS"} == {}


def test_the_daemons_own_files_are_read_only_too(mount):
    m = mount()
    answers = m.ops("changes", job=m.path(".icejobfs"), file=m.path(".icejobfs", "metrics"))
    wrong = {what: error for what, error in answers.items() if error not in ("EROFS", "ENODATA")}
    assert wrong == {}


def test_access_says_that_nothing_is_writable(mount, sim):
    job = success(sim)
    m = mount()
    m.field(job, "status")
    paths = [m.point, m.path("jobs"), m.job(job), m.job(job, "status"), m.path(".icejobfs", "metrics")]
    assert not any(m.ops("access_write", paths=paths).values())


def test_mkdir_of_a_job_that_is_there_is_refused(mount, sim):
    job = success(sim)
    m = mount()
    m.field(job, "status")
    result = m.run("mkdir", m.job(job))
    assert result.status == 1
    assert "File exists" in result.errors or "Read-only" in result.errors


def test_the_mount_table_says_read_only_in_system_mode(mount, setup):
    from support.mount import mountinfo

    m = mount()
    options = mountinfo()[m.point][1].split(",")
    assert "nosuid" in options and "nodev" in options
    if setup.mode == "system" and "system mode is not available" not in m.log():
        assert "ro" in options
