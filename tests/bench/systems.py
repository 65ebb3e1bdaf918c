"""The systems that show the same tree: tmpfs (the limit), icejobfs, and what Debian has.

Each peer has the settings that make it fastest without changing what is read. One that is not installed or does
not start is skipped, with the reason."""

import os
import shutil
import socket
import subprocess
import time


URGENT = ("chrt", "-r")


class Skipped(Exception):
    pass


class System:
    """`jobs` is the folder of the jobs. `slow`: it gets fewer files of the works that look at all."""

    slow = False
    needs = ()

    def __init__(self, bench):
        self.bench, self.name = bench, self.NAME
        self.point = None
        self.processes = []

    @property
    def jobs(self):
        return f"{self.point}/jobs"

    def start(self):
        for program in self.needs:
            if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
                raise Skipped(f"{program} is not installed")
        self.point = str(self.bench.setup.new_dir(self.name))
        self.open()
        self.wait_for_tree()

    def wait_for_tree(self):
        probe = f"{self.jobs}/{self.bench.tree.long}/status"
        deadline = time.monotonic() + 60
        while not os.path.exists(probe):
            ended = [p for p in self.processes if p.poll()]
            if ended or time.monotonic() > deadline:
                raise Skipped(f"does not show the tree: {self.log()[-300:].strip()}")
            time.sleep(0.1)

    def log(self):
        try:
            with open(f"{self.point}.log", errors="replace") as f:
                return f.read().replace("\n", " ")
        except FileNotFoundError:
            return ""

    def run(self, *command, lines=()):
        """Start something that stays; `lines` come from its stdin."""
        with open(f"{self.point}.log", "ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True, start_new_session=True
            )
        self.processes.append(process)
        process.stdin.write("".join(f"{line}\n" for line in lines))
        process.stdin.close()

    def do(self, *command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise Skipped(f"{command[0]}: {(done.stderr or done.stdout).strip()[-300:]}")

    def wait_for_server(self, port):
        deadline = time.monotonic() + 10
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if time.monotonic() > deadline:
                raise Skipped(f"its server does not start: {self.log()[-300:]}")
            time.sleep(0.05)

    def be_urgent(self):
        """Each process that was started for it, and what they have started."""
        for process in self.processes:
            session = subprocess.run(["ps", "-o", "pid=", "-s", str(process.pid)], capture_output=True, text=True)
            for pid in session.stdout.split():
                subprocess.run([*URGENT, "-a", "-p", "1", pid], capture_output=True)

    def stop(self):
        if self.point:
            subprocess.run(["umount", "-l", self.point], capture_output=True)
        for process in self.processes:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Icejobfs(System):
    NAME = "icejobfs"
    own = ()

    def start(self):
        self.mount = self.bench.world.mount(self.bench.sim, *self.bench.options.mount_options, *self.own)
        self.point = self.mount.point
        self.bench.tree.make_known(self.point)
        self.processes = [self.mount.process]

    def stop(self):
        pass  # its world ends and judges it


class Fastcache(Icejobfs):
    """The kernel opens files without asking."""

    NAME = "fastcache"
    own = ("fastcache",)


class Tmpfs(System):
    NAME = "tmpfs"

    def open(self):
        self.do("mount", "-t", "tmpfs", "-o", "size=2g", "bench", self.point)
        self.do("cp", "-a", self.bench.source.jobs, self.point)


class Floor(System):
    """What a FUSE file system costs at the least (floor.c)."""

    NAME = "floor"

    def open(self):
        program = os.path.join(self.bench.options.build, "bench", "floor")
        self.run(program, "tree", self.point, self.bench.copy.point, lines=self.bench.tree.unfinished)


class Bindfs(System):
    NAME = "bindfs"
    needs = ("bindfs",)

    def open(self):
        self.run("bindfs", "-f", "-o", "kernel_cache,entry_timeout=3600,attr_timeout=3600,ro", self.bench.copy.point, self.point)


class FuseOverlayfs(System):
    NAME = "fuse-overlayfs"
    needs = ("fuse-overlayfs",)

    def open(self):
        self.run("fuse-overlayfs", "-f", "-o", f"lowerdir={self.bench.copy.point},timeout=3600", self.point)


class Squashfuse(System):
    NAME = "squashfuse"
    needs = ("squashfuse", "mksquashfs")

    def open(self):
        image = f"{self.point}.squashfs"
        self.do("mksquashfs", self.bench.copy.point, image, "-no-progress", "-noI", "-noD", "-noF")
        self.run("squashfuse", "-f", image, self.point)


class Mergerfs(System):
    NAME = "mergerfs"
    needs = ("mergerfs",)

    def open(self):
        fast = "ro,cache.files=full,cache.entry=3600,cache.attr=3600,cache.statfs=3600,cache.readdir=true"
        self.run("mergerfs", "-f", "-o", fast, self.bench.copy.point, self.point)


class OverHttp(System):
    """With a server of its own that serves the copy."""

    slow = True

    def serve(self):
        self.port = free_port()
        conf = f"{self.point}.nginx"
        with open(conf, "w") as f:
            f.write(
                f"user root; worker_processes 2; pid {self.point}.pid; error_log {self.point}.err; daemon off;\n"
                f"events {{ worker_connections 512; }}\nhttp {{ access_log off; keepalive_requests 1000000;"
                f" client_body_temp_path {self.point}.tmp; server {{ listen 127.0.0.1:{self.port};"
                f" root {self.bench.copy.point}; autoindex on; default_type text/plain; }} }}\n"
            )
        self.run("nginx", "-c", conf)
        self.url = f"http://127.0.0.1:{self.port}/"
        self.wait_for_server(self.port)


class Rclone(OverHttp):
    NAME = "rclone"
    needs = ("rclone", "nginx")

    def open(self):
        self.serve()
        self.run(
            "rclone", "mount", ":http:", self.point, "--http-url", self.url, "--read-only", "--config", "/dev/null",
            "--vfs-cache-mode", "full", "--cache-dir", f"{self.point}.cache", "--dir-cache-time", "24h",
            "--attr-timeout", "1h",
        )


class Httpdirfs(OverHttp):
    NAME = "httpdirfs"
    needs = ("httpdirfs", "nginx")

    def open(self):
        self.serve()
        os.mkdir(f"{self.point}.cache")
        self.run("httpdirfs", "-f", "--cache", "--cache-location", f"{self.point}.cache", self.url, self.point)


class Sshfs(System):
    NAME = "sshfs"
    slow = True
    needs = ("sshfs", "sshd", "ssh-keygen")

    def open(self):
        port, base = free_port(), self.point
        for key in ("host", "user"):
            self.do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{base}.{key}")
        os.makedirs("/run/sshd", exist_ok=True)
        with open(f"{base}.sshd", "w") as f:
            f.write(
                f"Port {port}\nListenAddress 127.0.0.1\nHostKey {base}.host\nPidFile none\nUsePAM no\n"
                f"AuthorizedKeysFile {base}.user.pub\nStrictModes no\nPermitRootLogin yes\n"
                "Subsystem sftp internal-sftp\n"
            )
        self.run("/usr/sbin/sshd", "-D", "-e", "-f", f"{base}.sshd")
        self.wait_for_server(port)
        self.run(
            "sshfs", "-f", "-p", str(port), f"127.0.0.1:{self.bench.copy.point}", base, "-o",
            f"IdentityFile={base}.user,StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,kernel_cache,"
            "dcache_timeout=3600,dcache_max_size=1000000,entry_timeout=3600,attr_timeout=3600,ro",
        )


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


PEERS = [Fastcache, Floor, Bindfs, FuseOverlayfs, Squashfuse, Mergerfs, Httpdirfs, Sshfs, Rclone]
NAMES = ["tmpfs", "icejobfs", *(peer.NAME for peer in PEERS)]
