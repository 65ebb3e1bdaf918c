"""Where a test or a proof works: a copy of the programs, and for each run a folder, logs, a user and an
environment."""

import os
import pathlib
import shutil
import tempfile

from . import agents, processes

TEST_USER = "nobody"  # the ordinary user when root runs; fusermount3 wants one with a name


def open_workshop(build):
    """A folder that every user may pass through, with a copy of the programs: the build may be in a place
    that the test user cannot see, and nothing changes under a running test."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="icejobfs-test-"))
    path.chmod(0o755)
    (path / "bin").mkdir(mode=0o755)
    for name in ("icejobfs", "icejobfs-sim"):
        shutil.copy(os.path.join(build, name), path / "bin" / name)
        (path / "bin" / name).chmod(0o755)
    for script in ("ops.py", "inotify.py"):
        add_script(path, pathlib.Path(__file__).parent / script)
    return path


def add_script(workshop, source):
    """A program in Python that runs as the mount's user: its copy in the workshop."""
    copy = workshop / source.name
    shutil.copy(source, copy)
    copy.chmod(0o644)
    return str(copy)


def close_workshop(path):
    """What failed runs left stays, and is returned."""
    agents.end_all()
    shutil.rmtree(path / "bin")
    for script in path.glob("*.py"):
        script.unlink()
    try:
        path.rmdir()
    except OSError:
        return path
    return None


def sanitizer_of(workshop):
    """"address", "thread" or None: what the programs were built with; time limits follow."""
    binary = (workshop / "bin" / "icejobfs").read_bytes()
    found = "address" if b"__asan_init" in binary else "thread" if b"__tsan_init" in binary else None
    if found:
        processes.SLOW = max(processes.SLOW, 4.0 if found == "thread" else 3.0)
    return found


class Setup:
    """One test's folder, logs, user and environment."""

    def __init__(self, workshop, name, mode, sanitizer):
        self.workshop, self.mode, self.sanitizer = workshop, mode, sanitizer
        other = mode == "user" and os.getuid() == 0
        if other and os.stat("/dev/fuse").st_mode & 0o006 != 0o006:
            os.chmod("/dev/fuse", 0o666)  # as udev does
        self.who = processes.Who(TEST_USER if other else None)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix=name + "-", dir=workshop))
        self.root.chmod(0o755)
        self.logs = self.root / "logs"
        self.logs.mkdir()
        self.ops, self.inotify = str(workshop / "ops.py"), str(workshop / "inotify.py")
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
