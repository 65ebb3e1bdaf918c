"""Fixtures of the tests on real mounts.

ICE_BUILD names the folder with the programs. Every test that mounts runs in both modes: "system" (root
mounts) and "user" (an ordinary user mounts with fusermount3); when pytest runs as an ordinary user, only
the latter. A test has 60 s (mark `limit(seconds)` for another figure); what is stuck then is described
and killed. A test that fails keeps its folder of logs and names it."""

import os
import pathlib
import shutil
import signal
import tempfile

import pytest
from support import processes
from support.mount import Mount
from support.sim import Sim

TEST_USER = "nobody"  # the ordinary user of tests that root runs; fusermount3 wants one with a name
LIMIT = 60


def pytest_configure(config):
    config.addinivalue_line("markers", "limit(seconds): how long the test may take")
    config.addinivalue_line("markers", "heavy: load, not paths: left out under sanitizers")
    config.mounts = []


# ---- time limits


class TimeLimit(Exception):
    pass


def guard(item, seconds):
    """Arm the alarm for one phase of a test."""

    def expired(_signal, _frame):
        for mount in item.config.mounts:
            print(f"---- at the time limit\n{mount.report(state=True)}")
            mount.destroy()
        raise TimeLimit(f"{item.nodeid} took longer than {seconds:g} s")

    signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def guarded_phase(item):
    mark = item.get_closest_marker("limit")
    guard(item, (mark.args[0] if mark else LIMIT) * processes.SLOW)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    yield from guarded_phase(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    yield from guarded_phase(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item):
    yield from guarded_phase(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        item.has_failed = True
        for mount in getattr(item, "mounts", []):
            report.sections.append(("icejobfs", mount.report()))


def pytest_terminal_summary(terminalreporter, config):
    """Leave the counts where scripts/check sums them; once, not from each worker."""
    tally = os.environ.get("TALLY")
    if tally and not hasattr(config, "workerinput"):
        stats = terminalreporter.stats
        failed = len(stats.get("failed", [])) + len(stats.get("error", []))
        with open(tally, "a") as f:
            f.write(f"{len(stats.get('passed', []))} {failed}\n")


# ---- what all tests share


@pytest.fixture(scope="session")
def workshop():
    """A folder that every user may pass through, with a copy of the programs: the build may be in a place
    that the test user cannot see, and nothing changes under a running test."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="icejobfs-test-"))
    path.chmod(0o755)
    (path / "bin").mkdir(mode=0o755)
    build = os.environ.get("ICE_BUILD") or pytest.exit("ICE_BUILD is not set: use scripts/run-mounted-tests", 2)
    for name in ("icejobfs", "icejobfs-sim"):
        shutil.copy(os.path.join(build, name), path / "bin" / name)
        (path / "bin" / name).chmod(0o755)
    ops = pathlib.Path(__file__).parent / "support" / "ops.py"
    shutil.copy(ops, path / "ops.py")
    (path / "ops.py").chmod(0o644)
    yield path
    shutil.rmtree(path / "bin")
    (path / "ops.py").unlink()
    try:
        path.rmdir()  # what failed tests left stays
    except OSError:
        print(f"\nlogs of failed tests: {path}")


@pytest.fixture(scope="session")
def sanitizer(workshop):
    """"address", "thread" or None: what the programs were built with."""
    binary = (workshop / "bin" / "icejobfs").read_bytes()
    found = "address" if b"__asan_init" in binary else "thread" if b"__tsan_init" in binary else None
    if found:
        processes.SLOW = max(processes.SLOW, 4.0 if found == "thread" else 3.0)
    return found


@pytest.fixture(params=["system", "user"])
def mode(request):
    if request.param == "system" and os.getuid() != 0:
        pytest.skip("system mode is root's: run the tests as root for it")
    return request.param


class Setup:
    """One test's folder, logs, user and environment."""

    def __init__(self, workshop, name, mode, sanitizer):
        self.workshop, self.mode, self.sanitizer = workshop, mode, sanitizer
        other = mode == "user" and os.getuid() == 0
        self.who = processes.Who(TEST_USER if other else None)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix=name + "-", dir=workshop))
        self.root.chmod(0o755)
        self.logs = self.root / "logs"
        self.logs.mkdir()
        self.ops = str(workshop / "ops.py")
        self.number = 0
        self.environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
            "ASAN_OPTIONS": "abort_on_error=0:detect_stack_use_after_return=1:" + self.leaks(),
            "UBSAN_OPTIONS": "print_stacktrace=1",
            "TSAN_OPTIONS": "second_deadlock_stack=1",
        }

    def leaks(self):
        # The leak check stops the process with ptrace. The daemon forbids that (its memory holds keys), which
        # only root may overrule.
        return f"detect_leaks={int(self.who.uid == 0)}"

    def next_number(self):
        self.number += 1
        return self.number

    def new_dir(self, name):
        path = self.root / f"{name}{self.next_number()}"
        path.mkdir(mode=0o755)
        os.chown(path, self.who.uid, self.who.gid)
        return path

    def program(self, name):
        # ThreadSanitizer of gcc 12 does not start where the kernel spreads addresses widely.
        prefix = ["setarch", "-R"] if self.sanitizer == "thread" else []
        return [*prefix, str(self.workshop / "bin" / name)]


@pytest.fixture
def setup(request, workshop, mode, sanitizer):
    if mode == "user" and os.getuid() == 0 and os.stat("/dev/fuse").st_mode & 0o006 != 0o006:
        os.chmod("/dev/fuse", 0o666)  # as udev does
    made = Setup(workshop, request.node.originalname[:60], mode, sanitizer)
    yield made
    if getattr(request.node, "has_failed", False):
        print(f"logs: {made.logs}")
    else:
        shutil.rmtree(made.root, ignore_errors=True)


@pytest.fixture
def new_sim(request, setup):
    """Start simulators: new_sim(jobs=24, args=["--qps", "5"])."""
    started = []

    def make(jobs=0, args=()):
        log = setup.logs / f"sim-{setup.next_number()}.log"
        made = Sim(setup.program("icejobfs-sim"), str(log), jobs, args, setup.environment)
        started.append(made)
        return made

    yield make
    for sim in started:
        if sim.process.returncode != -signal.SIGKILL:
            sim.stop()


@pytest.fixture
def sim(new_sim):
    """A simulator without jobs of its own: tests put those that they need."""
    return new_sim()


@pytest.fixture
def new_mount(request, setup, sim):
    """Make mounts of the simulator: new_mount("ttl=1s", source=..., args=[...]), not yet started."""
    mounts = request.node.mounts = []

    def make(*options, of=None, **kwargs):
        made = Mount(setup, of or sim, options, **kwargs)
        mounts.append(made)
        request.config.mounts.append(made)
        return made

    yield make
    trouble = []
    for made in reversed(mounts):
        try:
            made.stop()
        except AssertionError as e:
            trouble.append(str(e))
        finally:
            made.destroy()
            request.config.mounts.remove(made)
    assert not trouble, "\n".join(trouble)


@pytest.fixture
def mount(new_mount):
    """Mount the simulator and wait until it answers: mount("ttl=1s")."""
    return lambda *options, **kwargs: new_mount(*options, **kwargs).start()
