"""Jobs as a studio has them now: recent enough for lists."""

import time

from support.jobs import new_id


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def put_processing(sim, n, newest_s=60, apart_s=1):
    """n unfinished jobs, born one after the other."""
    now, made = time.time(), []
    for i in range(n):
        born = iso(now - newest_s - (n - i) * apart_s)
        made.append(
            sim.put(new_id(), Status="Processing", Progress=40, ProjectId="5" * 32, CreateTime=born, ModifiedTime=born)
        )
    return made


def finish(sim, job):
    now = iso(time.time())
    sim.put(
        job, Status="Success", Progress=100, Duration=30.5, CompleteTime=now, ModifiedTime=now,
        MediaURL="http://bucket.oss-cn-shanghai.aliyuncs.com/a.mp4",
    )


def know(mount, jobs):
    """Name the jobs to the mount and wait until it knows them."""
    answer = mount.ops(
        "drain", paths=[mount.job(job, "status") for job in jobs], threads=16, timeout=30 + len(jobs) / 20
    )
    assert not answer["errors"], f"reading the jobs for the first time: {answer['errors']}"


def metric(mount, name):
    for line in mount.read(".icejobfs", "metrics").decode().splitlines():
        if line.startswith(f"icejobfs_{name} "):
            return float(line.split()[1])
    raise AssertionError(f"no metric {name}")
