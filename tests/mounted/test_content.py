"""What files a job has, and what is in them."""

import json
import re
from datetime import datetime, timezone

import pytest
from support import content
from support.jobs import new_id, processing, success
from support.processes import wait_until

OWN_FILES = {"request_id", "job.json"}


def seconds_of(iso):
    return int(datetime.strptime(iso, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp())


def mount_text(mount, job, name):
    return mount.read("jobs", job, name).decode()


def differences(expected, files):
    """Lines that tell expected fields (name -> bytes) from a job's folder as ops.job gives it."""
    found = {name: bytes.fromhex(file["hex"]) for name, file in files.items() if name not in OWN_FILES}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            yield f"{name}: {str(expected.get(name))[:200]} expected, {str(found.get(name))[:200]} found"


def test_every_file_of_100_jobs_is_the_services_answer(mount, new_sim):
    sim = new_sim(jobs=100)
    sim.freeze()
    m = mount(of=sim)
    long = json.dumps([{"Content": "春天来了", "Id": i} for i in range(5000)], ensure_ascii=False)
    ids = sim.jobs()[:99] + [success(sim, Timeline=long)]
    assert len(ids) == 100
    trees = m.ops("jobs", paths=[m.job(job) for job in ids], timeout=60)

    wrong, sizes, chinese = [], [], 0
    for job in ids:
        reply = sim.reply(job)
        expected, files = content.files_of(reply), trees[m.job(job)]
        wrong += [f"{job}/{line}" for line in differences(expected, files)]
        wrong += [f"{job}: no {name}" for name in OWN_FILES - files.keys()]
        for name, file in files.items():
            if (file["kind"], file["mode"], file["size"]) != ("-", "0o444", len(file["hex"]) // 2):
                wrong.append(f"{job}/{name}: {dict(file, hex='')}")
        sizes += [file["size"] for file in files.values()]
        chinese += "\u4e00" < max(reply.decode())
    assert not wrong, "\n".join(wrong[:20])
    # The sample must be worth its name.
    assert max(sizes) > 100_000 and chinese > 10


def test_job_json_is_the_reply_and_request_id_is_its_own(mount, sim):
    job = success(sim)
    m = mount()
    files = m.ops("job", path=m.job(job))
    reply = json.loads(bytes.fromhex(files["job.json"]["hex"]))
    assert reply["MediaProducingJob"] == json.loads(sim.reply(job))["MediaProducingJob"]
    request_id = bytes.fromhex(files["request_id"]["hex"]).decode()
    assert request_id == reply["RequestId"] + "\n"


def test_a_field_that_is_absent_null_or_empty_has_no_file(mount, sim):
    job = new_id()
    fields = {"JobId": job, "Status": "Processing", "Code": "", "Message": None}
    sim.fault("raw", job=job, status=200, body=json.dumps({"RequestId": "R", "MediaProducingJob": fields}))
    m = mount()
    assert m.field(job, "status") == "Processing"
    assert set(m.listing("jobs", job)) == {"job_id", "status", "request_id", "job.json"}
    for name in ("code", "message", "media_url", "timeline.json", "nonsense"):
        assert m.errno("jobs", job, name) == "ENOENT"


def test_keys_that_nobody_has_documented_become_files(mount, sim):
    job = new_id()
    fields = {
        "JobId": job,
        "Status": "Processing",
        "OutputBitrate": 1200,
        "HDRMode": "PQ",
        "Tracks": [{"Name": "主"}, {"Name": "b"}],
        "Extra": {"A": 1},
    }
    sim.fault("raw", job=job, status=200, body=json.dumps({"RequestId": "R", "MediaProducingJob": fields}))
    m = mount()
    assert mount_text(m, job, "output_bitrate") == "1200\n"
    assert mount_text(m, job, "hdr_mode") == "PQ\n"
    assert json.loads(mount_text(m, job, "tracks.json")) == fields["Tracks"]
    assert json.loads(mount_text(m, job, "extra.json")) == fields["Extra"]


@pytest.mark.parametrize(
    "written, read",
    [("30.5", "30.5"), ("30.500000", "30.5"), ("30.0", "30"), ("30.033333", "30.033333"), ("0", "0"), ("1e2", "100")],
)
def test_a_number_reads_in_the_shortest_form(mount, sim, written, read):
    job = new_id()
    body = f'{{"RequestId":"R","MediaProducingJob":{{"JobId":"{job}","Status":"Success","Duration":{written}}}}}'
    sim.fault("raw", job=job, status=200, body=body)
    assert mount_text(mount(), job, "duration") == read + "\n"


def test_json_text_is_given_byte_for_byte(mount, sim):
    odd = '{ "a" : 1.500,\t"b":"\\u4e2d\\/\u6587\U0001f3ac"  , "a":2}'
    long = json.dumps({"字幕": ["第%d句：春天来了\U0001f338" % i for i in range(7000)]}, ensure_ascii=False)
    assert len(long.encode()) > 200_000
    job = processing(sim, UserData=odd, ClipsParam="not JSON at all", Timeline=long, SubJobMaterials=odd + "\n")
    m = mount()
    assert m.read("jobs", job, "user_data.json") == (odd + "\n").encode()
    assert m.read("jobs", job, "clips_param.json") == b"not JSON at all\n"
    assert m.read("jobs", job, "timeline.json") == (long + "\n").encode()
    assert m.read("jobs", job, "sub_job_materials.json") == (odd + "\n").encode()  # it has a line feed already


def test_the_root_shows_jobs_and_the_daemons_own_folder(mount, sim):
    m = mount()
    assert m.ops("status", path=m.point)["mode"] == "0o555"
    assert "jobs" in m.listing()
    assert {"metrics", "health.json", "help.txt"} <= set(m.listing(".icejobfs"))
    for folder in ("jobs", ".icejobfs"):
        status = m.ops("status", path=m.path(folder))
        assert (status["kind"], status["mode"]) == ("d", "0o555")
    assert m.read(".icejobfs", "metrics").endswith(b"# EOF\n")
    assert isinstance(json.loads(m.read(".icejobfs", "health.json")), dict)
    assert b"jobs/" in m.read(".icejobfs", "help.txt")


def test_jobs_lists_what_is_known_and_nothing_else(mount, sim):
    jobs = [success(sim) for _ in range(5)]
    m = mount()
    assert m.listing("jobs") == []
    for job in jobs[:3]:
        m.field(job, "status")
    assert m.errno("jobs", new_id() + "ff", "status") == "ENOENT"
    wait_until(lambda: m.listing("jobs") == sorted(jobs[:3]), 10, "all three are listed")
    assert m.listing("jobs") == sorted(jobs[:3])


def test_a_job_is_listed_as_soon_as_it_has_been_read(mount, sim):
    jobs = [success(sim) for _ in range(50)]
    m = mount()
    assert m.ops("unlisted", folder=m.path("jobs"), jobs=jobs) == []


def test_a_jobs_folder_is_read_only_and_its_files_are_ordinary(mount, sim):
    job = success(sim)
    m = mount()
    folder = m.ops("status", path=m.job(job))
    assert (folder["kind"], folder["mode"], folder["nlink"]) == ("d", "0o555", 1)
    for name, file in m.ops("job", path=m.job(job)).items():
        assert (file["kind"], file["mode"], file["nlink"]) == ("-", "0o444", 1), name
        assert file["blocks"] == (file["size"] + 511) // 512, name
        assert (file["uid"], file["gid"]) == (m.who.uid, m.who.gid), name


def test_umask_uid_and_gid_are_as_mount_knows_them(mount, sim, setup):
    job = success(sim)
    m = mount("umask=0227", f"uid={setup.who.uid}", "gid=12322")
    folder, file = (m.ops("status", path=path) for path in (m.job(job), m.job(job, "status")))
    assert (folder["mode"], file["mode"]) == ("0o550", "0o440")
    assert (file["uid"], file["gid"]) == (setup.who.uid, 12322)


def test_the_first_mtime_is_modified_time(mount, sim):
    job = processing(sim, ModifiedTime="2026-03-01T08:00:10Z")
    m = mount()
    for name, file in m.ops("job", path=m.job(job)).items():
        assert file["mtime_ns"] // 10**9 == seconds_of("2026-03-01T08:00:10Z"), name


def changed(mount, job, name, text):
    """Wait until a field reads so."""
    wait_until(lambda: mount.field(job, name) == text, 10, f"{name} reads {text}")


def test_each_change_gives_a_later_mtime_and_touches_no_other_file(mount, sim):
    job = processing(sim, Progress=1)
    m = mount("ttl=50ms", "patience=5s")
    before = m.ops("job", path=m.job(job))
    for progress in (2, 30, 31):
        processing(sim, job, Progress=progress)  # ModifiedTime stands still
        changed(m, job, "progress", str(progress))
        after = m.ops("job", path=m.job(job))
        assert after["progress"]["mtime_ns"] > before["progress"]["mtime_ns"]
        assert after["progress"]["ctime_ns"] > before["progress"]["ctime_ns"]
        for name in ("status", "user_data.json", "project_id"):
            assert after[name] == before[name], name
        before = after


def test_a_reply_that_differs_in_its_request_id_alone_is_no_change(mount, sim):
    job = processing(sim)
    m = mount("ttl=50ms", "patience=5s")
    before = m.ops("job", path=m.job(job))
    calls = sim.calls(job)
    wait_until(lambda: m.field(job, "status") and sim.calls(job) >= calls + 2, 10, "it is asked again twice")
    after = m.ops("job", path=m.job(job))
    for name in before.keys() - OWN_FILES:
        assert after[name] == before[name], name


def test_a_later_modified_time_becomes_the_mtime_of_what_changed(mount, sim):
    job = processing(sim, Progress=1)
    m = mount("ttl=50ms", "patience=5s")
    m.ops("job", path=m.job(job))
    processing(sim, job, Progress=2, ModifiedTime="2026-03-01T09:00:00Z")
    changed(m, job, "progress", "2")
    mtime = m.ops("status", path=m.job(job, "progress"))["mtime_ns"]
    assert mtime // 10**9 == seconds_of("2026-03-01T09:00:00Z")


def test_media_url_appears_when_the_job_has_one(mount, sim):
    job = processing(sim)
    m = mount("ttl=50ms", "patience=5s")
    assert m.errno("jobs", job, "media_url") == "ENOENT"
    success(sim, job)
    changed(m, job, "status", "Success")
    assert m.field(job, "media_url").startswith("http://")
    assert m.field(job, "progress") == "100"


def test_inode_numbers_are_the_same_after_a_restart(new_mount, sim):
    job = success(sim)

    def numbers():
        m = new_mount().start()
        files = m.ops("job", path=m.job(job))
        m.stop()
        return {name: file["ino"] for name, file in files.items()}

    first = numbers()
    assert len(set(first.values())) == len(first)
    assert numbers() == first


def test_readers_see_whole_versions_only(mount, sim):
    texts = [json.dumps({"version": i, "fill": chr(97 + i) * 997 * (i + 1)}) for i in range(8)]
    job = processing(sim, UserData=texts[0])
    m = mount("ttl=20ms", "patience=5s", "timeout=20s")
    m.field(job, "status")
    wanted = [(text + "\n").encode().hex() for text in texts]
    arguments = {"path": m.job(job, "user_data.json"), "versions": wanted, "seconds": 2.0}
    reader = m.start_ops("whole", arguments)
    for text in texts * 10:
        processing(sim, job, UserData=text)
        calls = sim.calls(job)
        wait_until(lambda: sim.calls(job) > calls or reader.poll() is not None, 10, "it is asked again")
        if reader.poll() is not None:
            break
    answer = m.finish_ops(reader)
    assert not answer["torn"]
    assert answer["passes"] > 20 and len(answer["seen"]) > 2


def test_a_handle_that_is_held_sees_new_versions(mount, sim):
    job = processing(sim, Progress=1)
    m = mount("ttl=50ms", "patience=5s")
    m.field(job, "status")
    reader = m.start_ops("held", {"path": m.job(job, "progress"), "seconds": 2.0})
    wait_until(lambda: sim.calls(job) > 2 or reader.poll() is not None, 10, "the handle asks again")
    processing(sim, job, Progress=77)
    seen = m.finish_ops(reader)
    assert re.fullmatch(r"1\n,77\n", ",".join(seen))
