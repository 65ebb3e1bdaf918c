"""The tree that every system shows: jobs of 18 files each, most of them ended, as the service has them."""

import concurrent.futures
import json
import os

N_UNFINISHED = 64  # of them; the refresh asks for these alone
TIMELINE = 200_000  # bytes of the one long timeline


def job_id(i):
    return f"{i:08x}" + "5eed" * 6


def fields(i, unfinished):
    """16 fields: with request_id and job.json 18 files. About 2 KB as the service sends it."""
    made = {
        "Status": "Processing" if unfinished else "Success",
        "Progress": 40 if unfinished else 100,
        "ProjectId": f"{i:032x}",
        "MediaId": f"{i + 1:032x}",
        "MediaURL": f"https://example.oss-cn-shanghai.aliyuncs.com/out/{i:08d}.mp4",
        "TemplateId": f"{i % 100:032x}",
        "VodMediaId": f"{i + 2:032x}",
        "Duration": 30 + i % 600 / 10,
        "CreateTime": "2024-05-06T07:08:09Z",
        "CompleteTime": "2024-05-06T07:10:09Z",
        "ModifiedTime": "2024-05-06T07:10:10Z",
        "Code": "Success",
        "Message": f"job number {i}",
        "ClipsParam": json.dumps({"title": f"第{i}条", "index": i}),
        "UserData": json.dumps({"order": i, "note": "x" * 80}),
        "Timeline": json.dumps({"VideoTracks": [{"VideoTrackClips": [{"MediaId": f"{i:032x}", "In": n} for n in range(12)]}]}),
    }
    return made


def long_timeline():
    return json.dumps({"VideoTracks": [], "filler": "t" * (TIMELINE - 40)})


class Tree:
    """`n` jobs: the first N_UNFINISHED are under way, the one after them has the long timeline."""

    def __init__(self, n):
        self.n = n
        self.ids = [job_id(i) for i in range(n)]
        self.unfinished = self.ids[: min(N_UNFINISHED, n // 4)]
        self.long = self.ids[len(self.unfinished)]
        self.finished = self.ids[len(self.unfinished) + 1 :]

    def give(self, sim):
        """Make the jobs in the simulator."""
        connection = sim.connect()
        for i, name in enumerate(self.ids):
            job = fields(i, i < len(self.unfinished))
            if name == self.long:
                job["Timeline"] = long_timeline()
            body = json.dumps(job, ensure_ascii=False).encode()
            connection.request("PUT", f"/_sim/jobs/{name}", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status < 300, f"PUT {name}: {answer.status}"
        connection.close()

    def make_known(self, point):
        """Read a field of every job of a mount, many at once."""
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda name: read(f"{point}/jobs/{name}/status"), self.ids))
        known = set(os.listdir(f"{point}/jobs"))
        assert known == set(self.ids), f"{len(known)} of {self.n} jobs are known"


def read(path):
    with open(path, "rb") as f:
        return f.read()
