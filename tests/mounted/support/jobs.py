"""Jobs that tests put into the simulator."""

import itertools
import json

_numbers = itertools.count(1)


def new_id():
    return f"{next(_numbers):032x}"


def processing(sim, job=None, **fields):
    """An unfinished job with the usual fields; `fields` add or replace."""
    job = job or new_id()
    usual = {
        "JobId": job,
        "ProjectId": "5" * 32,
        "Status": "Processing",
        "Progress": 40,
        "CreateTime": "2026-03-01T08:00:00Z",
        "ModifiedTime": "2026-03-01T08:00:10Z",
        "UserData": json.dumps({"标题": "春天的故事"}, ensure_ascii=False),
    }
    return sim.put(job, **dict(usual, **fields))


def success(sim, job=None, **fields):
    usual = {
        "Status": "Success",
        "Progress": 100,
        "Duration": 30.5,
        "MediaURL": "http://bucket.oss-cn-shanghai.aliyuncs.com/%E6%98%A5.mp4",
        "CompleteTime": "2026-03-01T08:01:00Z",
        "ModifiedTime": "2026-03-01T08:01:00Z",
    }
    return processing(sim, job, **dict(usual, **fields))
