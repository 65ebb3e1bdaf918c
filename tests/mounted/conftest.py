"""Fixtures of the tests on real mounts.

ICE_BUILD names the folder with the programs. Every test that mounts runs in both modes: "system" (root
mounts) and "user" (an ordinary user mounts with fusermount3); when pytest runs as an ordinary user, only
the latter. A test has 60 s (mark `limit(seconds)` for another figure); what is stuck then is described
and killed. A test that fails keeps its folder of logs and names it."""

import os
import shutil
import signal

import pytest
from support import processes
from support.changes import QUICK
from support.mount import Mount
from support.setup import Setup, close_workshop, open_workshop, sanitizer_of
from support.sim import Sim
from support.watch import Watch

LIMIT = 60


def pytest_configure(config):
    config.addinivalue_line("markers", "limit(seconds): how long the test may take")
    config.addinivalue_line("markers", "heavy: load, not paths: left out under sanitizers")
    config.mounts = []
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # started in the background of a script:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # programs would inherit that


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
    build = os.environ.get("ICE_BUILD") or pytest.exit("ICE_BUILD is not set: use scripts/run-mounted-tests", 2)
    path = open_workshop(build)
    yield path
    left = close_workshop(path)
    if left:
        print(f"\nlogs of failed tests: {left}")


@pytest.fixture(scope="session")
def sanitizer(workshop):
    return sanitizer_of(workshop)


@pytest.fixture(params=["system", "user"])
def mode(request):
    if request.param == "system" and os.getuid() != 0:
        pytest.skip("system mode is root's: run the tests as root for it")
    return request.param


@pytest.fixture
def setup(request, workshop, mode, sanitizer):
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


@pytest.fixture(params=["told", "no_notify"])
def told(request):
    """Whether changes fire events; the twin is a mount whose notifier is off."""
    return request.param == "told"


@pytest.fixture
def show(mount, told):
    """A mount that shows changes soon, and fires events unless this is the twin."""
    return lambda *options: mount(*QUICK, *options, *([] if told else ["no_notify"]))


@pytest.fixture
def watch():
    """Watch a mount: watch(mount, {"label": path}, ...)."""
    started = []

    def make(*args, **kwargs):
        started.append(Watch(*args, **kwargs))
        return started[-1]

    yield make
    for made in started:
        processes.kill_group(made.process)


@pytest.fixture
def mount(new_mount):
    """Mount the simulator and wait until it answers: mount("ttl=1s")."""
    return lambda *options, **kwargs: new_mount(*options, **kwargs).start()
