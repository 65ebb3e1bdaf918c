"""Start, end, crash, and what is said when a mount cannot be."""

import ctypes
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import pytest
from support.jobs import new_id, processing, success
from support.processes import run, start, wait_until


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                found += [int(child) for child in f.read().split()]
    except OSError:
        pass
    return found


def with_argument(text):
    """The processes that have this among their arguments."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if text.encode() in f.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            pass
    return found


# ---- the end


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0_and_nothing_is_left(mount, sim, how):
    job = success(sim)
    m = mount()
    m.field(job, "status")
    begin = time.monotonic()
    m.stop(how)  # judges status, mount table and log
    assert time.monotonic() - begin < 5
    assert not with_argument(m.point)
    assert os.listdir(m.point) == []


def test_umount_ends_it_with_0(mount, sim):
    job = success(sim)
    m = mount()
    m.field(job, "status")
    held = children(m.process.pid)
    assert m.unmount().status == 0
    assert m.wait_end() == 0
    assert not any(os.path.exists(f"/proc/{pid}") for pid in held)
    m.stop()


def test_umount_while_it_starts_is_no_fault(new_mount, sim):
    for _ in range(12):
        m = new_mount()
        m.process = start(m.command(), m.who, env=m.environment, cwd="/", stderr=subprocess.PIPE)
        wait_until(lambda: m.mounted() or m.process.poll() is not None, 20, "the mount is there")
        m.unmount_soon()  # its own look at the mount ends
        assert m.wait_end() == 0, m.process.stderr.read()
        m.process.stderr.close()


def mount_id(path):
    with open("/proc/self/mountinfo") as f:
        return next((line.split()[0] for line in f if line.split()[4] == path), None)


def test_its_mount_has_gone_even_if_another_gets_the_number(new_mount, setup, sim):
    if os.getuid() != 0:
        pytest.skip("needs root: a mount beside it")
    beside = str(setup.new_dir("beside"))
    libc = ctypes.CDLL(None, use_errno=True)
    for _ in range(5):
        m = new_mount().start()
        wait_until(lambda: " mounted source=" in m.log(), 10, "it looks at the table of mounts")  # noqa: B023
        number = mount_id(m.point)
        os.kill(m.process.pid, signal.SIGSTOP)  # it looks at the table when both have happened
        assert libc.umount2(m.point.encode(), 0) == 0, os.strerror(ctypes.get_errno())
        subprocess.run(["mount", "-t", "tmpfs", "beside", beside], check=True)
        reused = mount_id(beside) == number
        os.kill(m.process.pid, signal.SIGCONT)
        try:
            assert m.wait_end() == 0
        finally:
            subprocess.run(["umount", beside], check=True)
        if reused:
            return
    pytest.skip("the number was not given again")


def test_umount_of_a_busy_mount_is_refused_and_changes_nothing(mount, sim):
    job = success(sim)
    m = mount()
    user = m.start_run("bash", "-c", f"cd {m.job(job)} && echo in && exec sleep 60")
    assert user.stdout.readline() == b"in\n"
    assert m.unmount().status != 0
    assert m.field(job, "status") == "Success"
    user.kill()
    user.communicate()
    m.unmount_soon(5)
    assert m.wait_end() == 0
    m.stop()


def test_without_f_it_goes_to_the_background_once_the_mount_answers(new_mount, sim, setup):
    job = success(sim)
    m = new_mount(args=())
    result = run(m.command(), 20, m.who, env=m.environment, cwd="/")
    assert (result.status, result.out) == (0, b"")
    assert m.field(job, "status") == "Success"  # at once: no wait
    assert with_argument(m.point)
    assert m.unmount().status == 0
    wait_until(lambda: not with_argument(m.point), 10, "the daemon is gone")


# ---- crashes


def test_killed_with_blocked_readers_all_of_them_end(mount, sim):
    m = mount("timeout=30s")
    sim.fault("hang")
    readers = [m.start_run("cat", m.job(new_id() + "ab", "status")) for _ in range(8)]
    wait_until(lambda: sim.stats()["inflight"] >= 8, 10, "they wait")
    m.crash()
    for reader in readers:
        reader.communicate(timeout=5)
        assert reader.returncode == 1


def test_the_next_start_repairs_the_mount_point(mount, sim):
    job = success(sim)
    m = mount()
    m.crash()
    assert "not connected" in m.run("ls", m.point).errors
    m.start()
    assert m.field(job, "status") == "Success"
    m.stop()
    assert m.point not in open("/proc/self/mountinfo").read()


def test_a_folder_that_is_in_use_by_another_mount_of_ours_works_again_after_both_end(new_mount, sim):
    first = new_mount().start()
    second = new_mount().start()
    job = success(sim)
    assert first.field(job, "status") == second.field(job, "status") == "Success"
    first.stop()
    assert second.field(job, "status") == "Success"


# ---- what is said when it cannot mount


def refused(m, status=1):
    """Start it without waiting; its words on stderr. Nothing is mounted, and no secret is told."""
    result = run(m.command(), 30, m.who, env=m.environment, cwd="/")
    assert result.status == status, result
    assert not m.mounted()
    assert result.errors.strip()
    secret = m.environment.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    assert not secret or secret not in result.errors
    return result.errors


@pytest.fixture(params=["front", "background"])
def args(request):
    return ("-f",) if request.param == "front" else ()


def test_a_wrong_secret_is_refused(new_mount, sim, args):
    wrong = {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "0123456789wrongwrongwrong"}
    said = refused(new_mount(args=args, environment=wrong))
    assert "SignatureDoesNotMatch" in said or "secret" in said
    assert sim.key_secret not in said


def test_an_expired_token_is_refused(new_mount, sim, args):
    sim.fault(kind="token_expired")
    said = refused(new_mount(args=args))
    assert "expired" in said and "new temporary keys" in said
    assert sim.key_secret not in said


@pytest.fixture
def tls_port():
    """A server with a certificate for another name, signed by nobody: https that must not be trusted."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="icejobfs-test-"))
    folder.chmod(0o755)  # the ordinary user reads the certificate
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate]
        + ["-days", "2", "-subj", "/CN=elsewhere.example", "-addext", "subjectAltName=DNS:elsewhere.example"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    certificate.chmod(0o644)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                pass  # the client hung up on us, as it should

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1], certificate
    listener.close()
    shutil.rmtree(folder)


def test_a_certificate_that_nobody_vouches_for_is_refused(new_mount, sim, args, tls_port):
    said = refused(new_mount(source=f"https://127.0.0.1:{tls_port[0]}", args=args))
    assert "cannot be verified" in said and "-o ca=" in said


def test_a_certificate_for_another_name_is_refused(new_mount, sim, args, tls_port):
    port, certificate = tls_port
    said = refused(new_mount(f"ca={certificate}", source=f"https://127.0.0.1:{port}", args=args))
    assert "cannot be verified" in said and "name" in said


def test_an_unknown_key_is_refused(new_mount, sim, args):
    said = refused(new_mount(args=args, environment={"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIunknownunknown"}))
    assert "key" in said


def test_no_credentials_is_refused_and_says_where_they_were_looked_for(new_mount, sim, args):
    m = new_mount(args=args)
    for name in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        del m.environment[name]
    assert "credentials" in refused(m).lower()


def test_an_unknown_region_is_refused(new_mount, sim, args):
    assert "nowhere-1" in refused(new_mount(source="nowhere-1", args=args))


def test_plain_http_to_another_machine_is_refused(new_mount, sim):
    assert "insecure_http" in refused(new_mount(source="http://192.0.2.1", args=("-f",)))


@pytest.mark.parametrize("option, word", [("tttl=5", "ttl"), ("qps=many", "many"), ("qps=0", "qps"), ("timeout=-1", "timeout")])
def test_a_bad_option_is_refused_with_a_hint(new_mount, sim, option, word):
    said = refused(new_mount(option, args=("-f",)), status=2)
    assert word in said


def test_a_mount_point_that_is_not_there_is_refused(new_mount, sim, args):
    m = new_mount(args=args)
    os.rmdir(m.point)
    assert m.point in refused(m)


def test_mounts_own_options_are_ignored(mount, sim):
    job = success(sim)
    assert mount("_netdev", "nofail", "x-systemd.automount", "dev", "suid").field(job, "status") == "Success"


def test_a_closed_port_mounts_with_a_warning(new_mount, new_sim):
    gone = new_sim()
    m = new_mount("timeout=1s", of=gone)
    gone.kill()
    m.start()
    assert "icejobfs: warning:" in m.log()
    assert m.errno("jobs", new_id(), "status") == "EHOSTUNREACH"


# ---- secrets


def test_the_secret_is_nowhere_to_be_seen(mount, sim):
    job = processing(sim)
    m = mount("ttl=50ms", "patience=300ms", "timeout=1s")
    m.expect_log("icejobfs: error: ")
    m.field(job, "status")
    sim.fault("error", status=400, code="SignatureDoesNotMatch", message=f"string to sign: {sim.key_secret}")
    m.errno("jobs", new_id() + "ab", "status")
    time.sleep(0.1)  # past the ttl
    m.field(job, "status")
    with open(f"/proc/{m.process.pid}/cmdline") as f:
        assert sim.key_secret not in f.read()
    for path in (".icejobfs/health.json", ".icejobfs/metrics", f"jobs/{job}/status"):
        assert sim.key_secret.encode() not in m.read(path)
    told = m.ops("xattrs", path=m.job(job, "status"))
    assert "SignatureDoesNotMatch" in told["user.ice.error"]
    assert sim.key_secret not in str(told)
    assert sim.key_secret not in m.log()
