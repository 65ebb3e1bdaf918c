"""Ordinary tools work as on any read-only disk."""

import json
import shutil

import pytest
from support.jobs import processing, success


@pytest.fixture
def tree(mount, sim):
    """A mount with ten known jobs, one of them with a long timeline."""
    long = json.dumps({"字幕": ["春天的故事 %d" % i for i in range(5000)]}, ensure_ascii=False)
    jobs = [success(sim, Timeline=long)] + [success(sim) for _ in range(5)] + [processing(sim) for _ in range(4)]
    m = mount("ttl=10m")
    assert m.sh("cat " + " ".join(f"jobs/{job}/status" for job in jobs)).status == 0
    m.jobs, m.long, m.copy = jobs, long, m.setup.new_dir("copy")
    return m


def test_cp_and_diff(tree):
    assert tree.sh(f"cp -a jobs {tree.copy}/").errors == ""
    assert tree.sh(f"diff -r jobs {tree.copy}/jobs").text == ""
    times = f"stat -c %y/%s jobs/{tree.jobs[0]}/status {tree.copy}/jobs/{tree.jobs[0]}/status"
    assert len(set(tree.sh(times).text.splitlines())) == 1


def test_tar(tree):
    assert tree.sh(f"tar -cf {tree.copy}/jobs.tar jobs").errors == ""
    assert tree.sh(f"tar -df {tree.copy}/jobs.tar").text == ""


@pytest.mark.skipif(not shutil.which("rsync"), reason="rsync is not installed")
def test_rsync_copies_once(tree):
    assert tree.sh(f"rsync -a jobs {tree.copy}/").status == 0
    second = tree.sh(f"rsync -ai jobs {tree.copy}/")
    assert (second.status, second.text) == (0, "")


def test_grep(tree):
    assert len(tree.sh("grep -rl Processing jobs --include=status").text.splitlines()) == 4
    assert len(tree.sh("grep -l Success jobs/*/status").text.splitlines()) == 6
    assert tree.sh("grep -rl '春天的故事 4999' jobs | sort").text.splitlines() == [
        f"jobs/{tree.jobs[0]}/job.json",
        f"jobs/{tree.jobs[0]}/timeline.json",
    ]


def test_find(tree):
    assert len(tree.sh("find jobs -mindepth 1 -maxdepth 1 -type d").text.splitlines()) == 10
    big = tree.sh("find jobs -type f -size +50k").text
    assert f"{tree.jobs[0]}/timeline.json" in big
    newer = tree.sh(f"find jobs -name status -newer jobs/{tree.jobs[9]}/status").text.splitlines()
    assert len(newer) == 6  # the finished ones were modified later


def test_sizes(tree):
    size = len(tree.long.encode()) + 1
    path = f"jobs/{tree.jobs[0]}/timeline.json"
    assert tree.sh(f"wc -c < {path}").text.strip() == str(size)
    assert tree.sh(f"du -b {path}").text.split()[0] == str(size)
    assert tree.sh(f"tail -c 3 {path}").text == tree.long[-2:] + "\n"
    assert tree.sh(f"head -c 10 {path} | wc -c").text.strip() == "10"


def test_ls(tree):
    result = tree.sh("ls -lR")
    assert (result.status, result.errors) == (0, "")
    assert tree.sh("ls -l jobs | grep -c '^dr-xr-xr-x'").text.strip() == "10"


def test_no_file_reads_as_empty(tree):
    assert tree.sh("find . -type f -size 0").text == ""


def test_df_and_findmnt_know_the_mount(tree):
    assert tree.sh("df .").status == 0
    found = tree.run("findmnt", "-no", "FSTYPE,SOURCE", tree.point).text.split()
    assert found == ["fuse.icejobfs", tree.source]
