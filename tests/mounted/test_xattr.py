"""What user.ice.* says about a job's files."""

import time

import pytest
from support.jobs import processing, success


def test_a_file_tells_how_old_it_is(mount, sim):
    job = processing(sim)
    m = mount("ttl=10m")
    request_id = m.field(job, "request_id")
    first = m.ops("xattrs", path=m.job(job, "status"))
    assert first["user.ice.stale"] == "0"
    assert first["user.ice.request_id"] == request_id
    assert 0 <= int(first["user.ice.age_ms"]) < 60_000
    assert first["user.ice.fetched_at"].startswith(time.strftime("%Y-", time.gmtime()))
    time.sleep(0.05)  # older now
    second = m.ops("xattrs", path=m.job(job, "status"))
    assert int(second["user.ice.age_ms"]) >= int(first["user.ice.age_ms"]) + 50
    assert second["user.ice.fetched_at"] == first["user.ice.fetched_at"]


def test_a_file_tells_why_it_is_stale(mount, sim):
    job = processing(sim)
    m = mount("ttl=50ms", "patience=300ms")
    m.field(job, "status")
    assert not m.ops("xattrs", path=m.job(job, "status")).get("user.ice.error")
    sim.fault("error", status=503, code="ServiceUnavailable")
    time.sleep(0.1)  # past the ttl
    m.field(job, "status")
    told = m.ops("xattrs", path=m.job(job, "status"))
    assert told["user.ice.stale"] == "1"
    assert "ServiceUnavailable" in told["user.ice.error"]


def test_looking_at_xattrs_of_known_files_costs_no_call(mount, sim):
    job = success(sim)
    m = mount()
    m.field(job, "status")
    for path in (m.job(job, "status"), m.job(job), m.path("jobs"), m.point):
        m.ops("xattrs", path=path)
    assert sim.calls() == 1


@pytest.mark.parametrize("name", ["user.ice.nothing", "user.other", "security.capability", "system.posix_acl_access"])
def test_other_names_are_not_there(mount, sim, name):
    job = success(sim)
    m = mount()
    assert m.ops("getxattr", path=m.job(job, "status"), attribute=name)["errno"] in ("ENODATA", "ENOTSUP")


def test_getfattr_shows_them(mount, sim):
    job = success(sim)
    m = mount()
    result = m.run("getfattr", "-d", "--absolute-names", m.job(job, "status"))
    assert result.status == 0
    assert 'user.ice.stale="0"' in result.text
