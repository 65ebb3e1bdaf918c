"""What the kernel answers by itself, and what a waiting daemon costs."""

import os
import re
import time

from support.jobs import success
from support.processes import wait_until


def counted(m, name):
    """A counter of the daemon."""
    text = m.read(".icejobfs", "metrics").decode()
    return int(re.search(rf"^icejobfs_{name}_total (\d+)$", text, re.M).group(1))


def ticks(m):
    """The processor time that the daemon has used."""
    with open(f"/proc/{m.process.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_looking_again_at_known_files_asks_nothing(mount, sim):
    jobs = [success(sim) for _ in range(10)]
    m = mount()
    for job in jobs:
        m.run("stat", m.job(job, "status"))
    before = counted(m, "fs_getattr") + counted(m, "fs_lookup")
    for _ in range(5):
        result = m.run("stat", *[m.job(job, "status") for job in jobs])
        assert result.status == 0, result
    after = counted(m, "fs_getattr") + counted(m, "fs_lookup")
    # The counters' own file is looked at, too; 50 looks at 3 steps of a path are not.
    assert after - before < 40


def test_a_new_job_moves_the_time_of_the_folder_of_jobs(mount, sim):
    m = mount()
    first, second = success(sim), success(sim)
    m.field(first, "status")
    stat = ("stat", "-c", "%y", m.path("jobs"))
    old = m.run(*stat).text
    m.field(second, "status")
    wait_until(lambda: m.run(*stat).text != old, 20, "jobs/ shows its new time")


def asked_for(m, folder):
    """READDIRs of one listing."""
    before = counted(m, "fs_readdir")
    m.listing(folder)
    return counted(m, "fs_readdir") - before


def test_a_known_listing_is_read_again_without_asking(mount, sim):
    for_listing = [success(sim) for _ in range(5)]
    m = mount()
    for job in for_listing:
        m.field(job, "status")
    # The kernel drops its listing once more, a moment after the last was told of.
    wait_until(lambda: len(m.read("events.log").splitlines()) == len(for_listing), 20, "all are told of")
    wait_until(lambda: asked_for(m, "jobs") == 0, 20, "a listing is kept")
    for _ in range(10):
        assert set(m.listing("jobs")) == set(for_listing)
        assert asked_for(m, "jobs") == 0
    late = success(sim)
    m.field(late, "status")
    wait_until(lambda: late in m.listing("jobs"), 20, "the new one is listed")


def test_labels_and_access_lists_are_not_supported(mount, sim):
    """So ls -l asks once, and not for each file."""
    job = success(sim)
    m = mount()
    for name in ("security.selinux", "security.capability", "system.posix_acl_access", "system.posix_acl_default"):
        assert m.ops("getxattr", path=m.job(job, "status"), attribute=name)["errno"] == "ENOTSUP"
    assert m.ops("getxattr", path=m.job(job, "status"), attribute="user.other")["errno"] == "ENODATA"


def settled(m):
    """What was begun by reading (saving it, the refresh's first looks) is done: a second without work."""

    def rests():
        before = ticks(m)
        time.sleep(1)
        return ticks(m) - before <= 0.01

    wait_until(rests, 20, "the daemon is at rest")


def test_an_idle_mount_uses_no_processor(mount, sim):
    job = success(sim)
    m = mount()
    for _ in range(20):
        m.field(job, "status")
    settled(m)
    misses, before = counted(m, "fs_spin_misses"), ticks(m)
    time.sleep(5)
    used = ticks(m) - before
    assert used <= 0.05, f"{used} s of processor time in 5 s of rest"
    # Reading the counters is a few requests; there were no others to wait for.
    assert counted(m, "fs_spin_misses") - misses < 20
