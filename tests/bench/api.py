"""What calls cost, against the simulator on https: processor time a call, throughput, latency. Written to
build/bench/api.json."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import time

from soak import world
from support.processes import wait_until

from . import side_by_side
from .tree import Tree

IN_FLIGHT = 16
FAR_MS = 5


class Api:
    def __init__(self, the_world, options):
        self.world, self.options = the_world, options
        folder = os.path.abspath(os.path.join(options.build, "bench"))
        self.cost, self.timed, self.floor = (os.path.join(folder, p) for p in ("apicost", "timed", "floor"))
        self.tree = Tree(options.calls)
        self.plain = the_world.sim(0)
        self.cert = self.make_cert()
        self.tls = self.https_sim()
        for sim in (self.plain, self.tls):
            self.tree.give(sim)

    def make_cert(self):
        base = str(self.world.setup.root / "tls")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", base + ".key", "-out", base + ".pem"],
            check=True, capture_output=True,
        )
        return base

    def https_sim(self):
        return HttpsSim(self.world, self.cert)

    def run(self, *args, text, sim=None):
        """(operations, processor seconds a thousand, wall seconds a thousand) of apicost."""
        keys = {}
        if sim:
            keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": sim.key_id, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": sim.key_secret}
        done = subprocess.run(
            [self.cost, *args], input=text, capture_output=True, text=True, timeout=600, env={**os.environ, **keys}
        )
        assert done.returncode == 0, done.stderr
        n, cpu, wall = done.stdout.split()
        return int(n), float(cpu), float(wall)

    # ---- the works

    def calls(self, in_flight):
        ids = "\n".join(self.tree.ids)
        return self.run("calls", self.tls.url, self.cert + ".pem", str(in_flight), text=ids, sim=self.tls)

    def bare(self, in_flight):
        ids = "\n".join(self.tree.ids)
        return self.run("bare", self.tls.url + "/_sim/jobs/", self.cert + ".pem", str(in_flight), text=ids)

    def parse(self, job):
        return self.run("parse", text=self.plain.reply(job).decode())

    def wrk(self):
        """Requests a second that the server gives to a plain client."""
        if shutil.which("wrk") is None:
            return None
        url = f"{self.tls.url}/_sim/jobs/{self.tree.finished[0]}"
        done = subprocess.run(["wrk", "-t1", f"-c{IN_FLIGHT}", "-d3s", url], capture_output=True, text=True, timeout=60)
        found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
        return float(found.group(1)) if found else None

    def mount(self):
        return self.world.mount(self.tls, "qps=100000", f"ca={self.cert}.pem", "state=none")

    def readers(self, folder, jobs, count):
        """So many, each of which reads its part of the jobs once."""
        parts = [[f"{job}/status" for job in jobs[i::count]] for i in range(count)]
        return side_by_side.start(self.timed, folder, 0, parts)

    @contextlib.contextmanager
    def floor_mount(self):
        """Where the least that a FUSE file system can cost (floor.c) shows the same jobs."""
        point = str(self.world.setup.new_dir("floor"))
        command = [self.floor, "calls", point, self.tls.url + "/_sim/jobs/", self.cert + ".pem"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
        process.stdin.write("\n".join(self.tree.ids))
        process.stdin.close()
        try:
            wait_until(lambda: os.path.ismount(point) or process.poll() is not None, 60, "the floor starts")
            assert process.poll() is None, "the floor does not start"
            yield point
        finally:
            subprocess.run(["umount", "-l", point], check=True)
            process.wait(timeout=60)

    def cold_throughput(self):
        """Cold reads a second through a mount, and processor seconds a thousand: of the daemon, of the simulator, of
        the readers."""
        mount, ids = self.mount(), self.tree.ids
        go = self.readers(mount.path("jobs"), ids, IN_FLIGHT)
        used = lambda: (on_cpu_s(mount.process.pid), on_cpu_s(self.tls.process.pid), sum(os.times()[2:4]))
        before, begin = used(), time.monotonic()
        go()
        took = time.monotonic() - begin
        spent = [(now - then) / len(ids) * 1000 for now, then in zip(used(), before)]
        mount.stop()
        return len(ids) / took, *spent

    def cold_far(self):
        """Cold reads a second where each answer takes time on its way."""
        late = self.tls.fault("delay", delay_ms=FAR_MS)
        per_s, *_ = self.cold_throughput()
        self.tls.clear(late)
        return per_s

    def one_by_one_ms(self, folder):
        """A cold read, one after another."""
        ((ns, _),) = self.readers(folder, self.tree.finished[:500], 1)()
        return ns / 1e6

    def cold_latency_ms(self):
        mount = self.mount()
        ms = self.one_by_one_ms(mount.path("jobs"))
        mount.stop()
        return ms

    def floor_throughput(self):
        """As cold_throughput's first, of the floor."""
        with self.floor_mount() as point:
            go = self.readers(point, self.tree.ids, IN_FLIGHT)
            begin = time.monotonic()
            go()
            return len(self.tree.ids) / (time.monotonic() - begin)

    def floor_latency_ms(self):
        with self.floor_mount() as point:
            return self.one_by_one_ms(point)


class HttpsSim:
    """A simulator that serves https."""

    def __new__(cls, the_world, cert):
        from support import processes
        from support.sim import Sim

        class Made(Sim):
            def _listening(self):
                assert self.process.poll() is None, f"the simulator ended: {self.log()}"
                found = re.search(r"listening https://([\d.]+):(\d+)", self.log())
                if found:
                    self.host, self.port = found.group(1), int(found.group(2))
                    self.url = f"https://{self.host}:{self.port}"
                return found is not None

            def connect(self):
                import http.client
                import ssl

                return http.client.HTTPSConnection(
                    self.host, self.port, timeout=60 * processes.SLOW, context=ssl._create_unverified_context()
                )

        setup = the_world.setup
        log = str(setup.logs / f"sim-{setup.next_number()}.log")
        made = Made(
            setup.program("icejobfs-sim"), log, 0, ["--tls-cert", cert + ".pem", "--tls-key", cert + ".key"],
            setup.environment,
        )
        the_world.ending.callback(made.stop)
        return made


def on_cpu_s(pid):
    """Seconds on a processor: of all threads of a process, and of its children (schedstat, to the nanosecond)."""
    tasks = list(pathlib.Path(f"/proc/{pid}/task").glob("*"))
    ns = sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
    children = " ".join((task / "children").read_text() for task in tasks).split()
    return ns / 1e9 + sum(on_cpu_s(int(child)) for child in children)


def one_turn(api):
    """Each figure once. What is compared with one another is measured in the same turn: the machine may be slower in
    the next."""
    wrk, (cold_per_s, *spent), floor_per_s = api.wrk(), api.cold_throughput(), api.floor_throughput()
    call, cold = api.calls(1)[2], api.cold_latency_ms()
    bare, floor = api.bare(1)[2], api.floor_latency_ms()
    return {
        "call_cpu_s": api.calls(IN_FLIGHT)[1],
        "bare_cpu_s": api.bare(IN_FLIGHT)[1],
        "daemon_cpu_s": spent[0],
        "simulator_cpu_s": spent[1],
        "readers_cpu_s": spent[2],
        "cold_per_s": cold_per_s,
        "wrk_per_s": wrk,
        "cold_of_wrk": cold_per_s / wrk if wrk else None,
        "floor_per_s": floor_per_s,
        "cold_of_floor": cold_per_s / floor_per_s,
        "far_per_s": api.cold_far(),
        "cold_ms": cold,
        "call_ms": call,
        "above_call_ms": cold - call,
        "floor_above_ms": floor - bare,
        "sign_us": api.run("sign", text="")[1] * 1000,
        "parse_2k_us": api.parse(api.tree.finished[0])[1] * 1000,
        "parse_200k_us": api.parse(api.tree.long)[1] * 1000,
    }


def middle(turns):
    """Figure by figure the median."""
    columns = {name: [turn[name] for turn in turns] for name in turns[0]}
    return {name: None if None in column else statistics.median(column) for name, column in columns.items()}


def proof(the_world, options):
    api = Api(the_world, options)
    found = {"calls": api.tree.n, "rounds": options.rounds, "far_ms": FAR_MS}
    found |= middle([one_turn(api) for _ in range(options.rounds)])
    world.show({name: f"{value:.4g}" if isinstance(value, float) else value for name, value in found.items()})
    pathlib.Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(options.out).write_text(json.dumps(found, indent=1))


def main():
    made = world.parser(__doc__)
    made.set_defaults(mode="system")
    made.add_argument("--calls", type=int, default=3000)
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--quick", action="store_true", help="1,000 calls, one round")
    made.add_argument("--out", default="build/bench/api.json")
    options = made.parse_args()
    if options.quick:
        options.calls, options.rounds = 1000, 1
    world.run("bench-api", options, proof)
