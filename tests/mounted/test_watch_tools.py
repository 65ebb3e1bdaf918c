"""The tools that people watch files with, as they come: no polling, no special setting. Each must react to a change
of the service, and whatever it starts must read the new content."""

import os
import shutil
import subprocess
import textwrap
import time

import pytest
from support.changes import QUICK, change
from support.jobs import processing
from support.processes import kill_group, run, start, wait_until
from support.watch import watches_of


class Tool:
    """A running tool and what it has printed."""

    def __init__(self, process):
        self.process, self.text = process, ""
        os.set_blocking(process.stdout.fileno(), False)

    def watches(self, n=1):
        """Wait until it watches, so that the change comes after."""
        wait_until(lambda: watches_of(self.process.pid) >= n or self.process.poll() is not None, 15, "it watches")
        assert self.process.poll() is None, self.process.stderr.read()
        return self

    def printed(self, text):
        self.text += (self.process.stdout.read() or b"").decode(errors="replace")
        return text in self.text

    def saw(self, text):
        wait_until(lambda: self.printed(text), 15, f"it prints {text!r}; so far: {self.text!r}")

    def sees(self, text, seconds):
        """Whether it prints this within so long."""
        end = time.monotonic() + seconds
        while not self.printed(text) and time.monotonic() < end:
            time.sleep(0.01)
        return self.printed(text)

    def ended(self):
        return self.process.wait(timeout=10)


class Workplace:
    def __init__(self, m, sim):
        self.m, self.sim, self.started = m, sim, []
        self.job = processing(sim, Message="wait")
        assert m.field(self.job, "progress") == "40"
        assert m.listing("by-status", "Success") == []

    def path(self, *parts):
        return self.m.job(self.job, *parts)

    def change(self, **fields):
        change(self.m, self.job, **fields)

    def tool(self, *command, stdin=None, who=None, **environment):
        process = start(
            command, who or self.m.who, cwd="/", env=dict(self.m.setup.environment, **environment),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        if stdin:
            process.stdin.write(stdin.encode())
            process.stdin.close()
        self.started.append(process)
        return Tool(process)


@pytest.fixture
def place(mount, sim):
    made = Workplace(mount(*QUICK), sim)
    yield made
    for process in made.started:
        kill_group(process)


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


# ---- inotifywait


@needs("inotifywait")
def test_inotifywait_ends_with_the_change_and_cat_reads_it(place):
    path = place.path("progress")
    tool = place.tool("bash", "-c", f"inotifywait -qq -e close_write {path} && exec cat {path}")
    wait_until(lambda: any(watches_of(child) for child in children(tool.process.pid)), 15, "it watches")
    place.change(Progress=41)
    tool.saw("41\n")
    assert tool.ended() == 0


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [pid, *map(int, f.read().split())]


@needs("inotifywait")
def test_inotifywait_follows_a_whole_tree(place):
    tool = place.tool("inotifywait", "-m", "-r", "-q", "--format", "%e %w%f", place.m.path("jobs")).watches(2)
    place.change(Progress=42, MediaURL="http://b/1.mp4", Message=None)
    for line in (f"CREATE {place.path('media_url')}", f"CLOSE_WRITE,CLOSE {place.path('progress')}",
                 f"DELETE {place.path('message')}"):  # fmt: skip
        tool.saw(line + "\n")


@needs("inotifywait")
def test_inotifywait_makes_a_watch_folder_of_by_status(place):
    folder = place.m.path("by-status", "Success")
    tool = place.tool("inotifywait", "-m", "-q", "-e", "create,moved_to", "--format", "%e %f", folder).watches()
    place.change(Status="Success")
    tool.saw(f"MOVED_TO {place.job}\n")
    assert place.m.read("by-status", "Success", place.job, "status") == b"Success\n"


# ---- entr


@needs("entr")
def test_entr_runs_its_command_on_changes(place):
    tool = place.tool("entr", "-n", "-p", "cat", "/_", stdin=place.path("progress") + "\n").watches()
    seen = 0
    for progress in range(50, 70):
        place.change(Progress=progress)
        # It throws away what comes within 50 ms after its start and after each run of its command.
        seen += tool.sees(f"{progress}\n", 0.5)
        if seen == 3:
            return
    pytest.fail(f"it ran its command {seen} times in 20 changes")


# ---- watchdog

WATCHDOG = """
    import sys, time
    from watchdog.events import FileSystemEventHandler
    from watchdog.observers import Observer
    class Handler(FileSystemEventHandler):
        def on_any_event(self, event):
            text = ""
            if event.event_type in ("created", "modified", "closed") and not event.is_directory:
                text = open(event.src_path).read().strip()[:40]
            print(type(observer).__name__, event.event_type, event.src_path, getattr(event, "dest_path", ""), text)
    observer = Observer()
    for path in sys.argv[1:]:
        observer.schedule(Handler(), path, recursive=True)
    observer.start()
    time.sleep(60)
"""


def test_watchdog_tells_of_files_and_of_moved_links(place):
    python = "/usr/bin/python3"
    if run([python, "-c", "import watchdog.observers"]).status != 0:
        pytest.skip("python3-watchdog is not installed")
    script = textwrap.dedent(WATCHDOG)
    tool = place.tool(python, "-u", "-c", script, place.path(), place.m.path("by-status")).watches(3)
    place.change(Status="Success", Progress=61, MediaURL="http://b/2.mp4", Message=None)
    tool.saw(f"InotifyObserver created {place.path('media_url')}  http://b/2.mp4\n")
    tool.saw(f"InotifyObserver closed {place.path('progress')}  61\n")
    tool.saw(f"InotifyObserver deleted {place.path('message')}")
    old, new = (place.m.path("by-status", s, place.job) for s in ("Processing", "Success"))
    tool.saw(f"InotifyObserver moved {old} {new}")
    tool.saw(f"InotifyObserver closed {place.path('status')}  Success\n")


# ---- incron


@needs("incrond")
def test_incron_runs_its_command_with_the_new_content(place):
    """The daemon of Debian's package with tables and a lock of our own."""
    if place.m.setup.mode != "system":
        pytest.skip("incrond runs as root, which may not enter another user's mount without allow_other")
    own = place.m.setup.new_dir("incron")
    for name in ("tables", "users", "lock"):
        (own / name).mkdir()
    (own / "conf").write_text(
        f"system_table_dir = {own}/tables\nuser_table_dir = {own}/users\n"
        f"lockfile_dir = {own}/lock\nlockfile_name = incrond\n"
    )
    (own / "tables" / "jobs").write_text(f"{place.path('progress')} IN_CLOSE_WRITE cp $@ {own}/copy\n")
    (own / "tables" / "ends").write_text(
        f"{place.m.path('by-status', 'Success')} IN_MOVED_TO cp $@/$#/status {own}/ended\n"
    )
    tool = place.tool("incrond", "-n", "-f", own / "conf").watches(4)  # two tables' folders, two of ours
    place.change(Progress=71)
    wait_until(lambda: (own / "copy").exists() and (own / "copy").read_text() == "71\n", 15, "the command has run")
    place.change(Status="Success")
    wait_until(lambda: (own / "ended").exists() and (own / "ended").read_text() == "Success\n", 15, "the other has run")
    assert tool.process.poll() is None


# ---- systemd


def test_a_path_unit_of_systemd_starts_its_service(place):
    who = place.m.who
    runtime = f"/run/user/{who.uid}"
    if not os.path.isdir("/run/systemd/system"):
        pytest.skip("systemd does not run here")
    if not os.path.exists(f"{runtime}/systemd/private"):
        pytest.skip(f"no systemd user manager runs for uid {who.uid}")

    def systemctl(*args):
        environment = dict(place.m.setup.environment, XDG_RUNTIME_DIR=runtime)
        return run(["systemctl", "--user", *args], 20, who, env=environment, cwd="/")

    name = f"icejobfs-test-{os.getpid()}-{place.m.setup.mode}"
    units = f"{runtime}/systemd/user"
    out = place.m.setup.new_dir("out")
    run(["mkdir", "-p", units], who=who)
    with open(f"{units}/{name}.path", "w") as f:
        f.write(f"[Path]\nPathChanged={place.path('progress')}\nUnit={name}.service\n")
    with open(f"{units}/{name}.service", "w") as f:
        f.write(f"[Service]\nType=oneshot\nExecStart=/bin/cp {place.path('progress')} {out}/copy\n")
    try:
        assert systemctl("daemon-reload").status == 0
        assert systemctl("start", f"{name}.path").status == 0
        place.change(Progress=81)
        wait_until(lambda: (out / "copy").exists() and (out / "copy").read_text() == "81\n", 15, "the service has run")
    finally:
        systemctl("stop", f"{name}.path")
        for kind in ("path", "service"):
            os.unlink(f"{units}/{name}.{kind}")
        systemctl("daemon-reload")


# ---- chokidar

CHOKIDAR = """
    const [, module, root] = process.argv;
    const chokidar = require(module), fs = require("fs");
    const tell = (kind, path) => {
        let text = "";
        try { text = fs.readFileSync(path, "utf8").trim().slice(0, 40); } catch (e) { text = e.code; }
        console.log(kind, path.slice(root.length + 1), text);
    };
    const watcher = chokidar.watch(root);
    watcher.on("ready", () => {
        console.log("ready");
        for (const kind of ["add", "addDir", "change", "unlink", "unlinkDir"])
            watcher.on(kind, path => tell(kind, path));
    });
"""


@pytest.mark.skipif(not os.environ.get("CHOKIDAR"), reason="chokidar is not installed: make check-chokidar")
def test_chokidar_tells_of_changed_new_and_gone_files(place):
    own = place.m.setup.new_dir("chokidar")
    shutil.copytree(os.environ["CHOKIDAR"], own / "node_modules")
    script = textwrap.dedent(CHOKIDAR)
    tool = place.tool(shutil.which("node"), "-e", script, own / "node_modules" / "chokidar", place.path())
    tool.saw("ready\n")
    place.change(Progress=91)
    tool.saw("change progress 91\n")
    place.change(MediaURL="http://b/3.mp4", Message=None)
    tool.saw("add media_url http://b/3.mp4\n")
    tool.saw("unlink message ENOENT\n")
    place.change(Status="Success")
    tool.saw("change status Success\n")
