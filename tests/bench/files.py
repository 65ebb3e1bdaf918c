"""File operations on a mount of icejobfs, beside tmpfs and other file systems, in turns.

Needs root: mounts, and a kernel that forgets names. The numbers are written to build/bench/files.json; `report`
makes the tables of docs/performance.md from it."""

import json
import os
import pathlib
import statistics

from soak import world

from . import systems
from .tree import Tree
from .works import WORKS


class Bench:
    def __init__(self, the_world, options):
        self.world, self.setup, self.options = the_world, the_world.setup, options
        self.timed = os.path.abspath(os.path.join(options.build, "bench", "timed"))
        self.ms, self.slow_jobs = options.ms, options.slow_jobs
        self.tree = Tree(options.jobs)
        self.sim = the_world.sim(0)
        self.tree.give(self.sim)
        self.running, self.skipped, self.times = [], {}, {}

    def forget_names(self):
        """The kernel forgets names, inodes and the pages that hang on them, of all file systems that it can ask
        again."""
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("2\n")

    # ---- the systems

    def start(self):
        self.source = self.start_one(systems.Icejobfs)
        self.copy = self.start_one(systems.Tmpfs)
        for peer in systems.PEERS:
            if peer.NAME not in self.options.only:
                continue
            try:
                self.start_one(peer)
            except (systems.Skipped, OSError) as e:
                self.skipped[peer.NAME] = str(e)
                print(f"  skipped {peer.NAME}: {e}", flush=True)

    def start_one(self, kind):
        made = kind(self)
        self.world.ending.callback(made.stop)
        made.start()
        if self.options.urgent:
            made.be_urgent()
        if made.name in self.options.only:
            self.running.append(made)
        return made

    # ---- the turns

    def measure(self, work, system):
        try:
            value = work.measure(self, system)
        except Exception as e:  # a peer that fails in a work is no end of the run
            if system.name in ("icejobfs", "fastcache", "tmpfs"):
                raise
            self.skipped[f"{system.name} {work.name}"] = str(e)
            return
        self.times.setdefault(work.name, {}).setdefault(system.name, []).append(value)

    def rounds(self):
        for number in range(self.options.rounds):
            for work in WORKS:
                if work.name not in self.options.works or (work.heavy and number >= self.options.heavy_rounds):
                    continue
                for system in self.running:
                    self.measure(work, system)


def figures(values):
    ordered = sorted(values)
    median = statistics.median(ordered)
    return {"ns": median, "spread": (ordered[-1] - ordered[0]) / median * 100, "n": len(ordered)}


def results(bench):
    return {
        "jobs": bench.tree.n,
        "rounds": bench.options.rounds,
        "skipped": bench.skipped,
        "works": {w: {s: figures(v) for s, v in of.items()} for w, of in bench.times.items()},
    }


def ratios(found):
    """Work -> system -> times tmpfs's time."""
    return {
        work: {s: row["ns"] / of["tmpfs"]["ns"] for s, row in of.items()}
        for work, of in found["works"].items()
        if "tmpfs" in of
    }


def show(found):
    for work, of in ratios(found).items():
        for system, ratio in of.items():
            row = found["works"][work][system]
            print(f"  {work:16} {system:16} {row['ns'] / 1000:12.1f} µs  x {ratio:8.2f}  spread {row['spread']:5.0f} %")


def parser(description):
    made = world.parser(description)
    made.set_defaults(mode="system")
    made.add_argument("--jobs", type=int, default=10000)
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--heavy-rounds", type=int, default=2, help="of the works that read all files")
    made.add_argument("--ms", type=int, default=300, help="length of one measurement")
    made.add_argument("--slow-jobs", type=int, default=300, help="jobs that slow systems read all files of")
    made.add_argument("--only", nargs="+", default=systems.NAMES, help="systems; tmpfs is always there")
    made.add_argument("--works", nargs="+", default=[w.name for w in WORKS])
    made.add_argument(
        "--urgent", action="store_true",
        help="in a real-time class, systems and loops alike: for a machine that others use; the ratios differ somewhat",
    )
    made.add_argument("--quick", action="store_true", help="1,000 jobs, three short rounds")
    made.add_argument("--mount-options", nargs="+", default=["qps=100000", "refresh=5s"])
    made.add_argument("--out", default="build/bench/files.json")
    return made


def settle(options):
    if os.getuid() != 0:
        raise SystemExit("bench: needs root")
    options.only = ["tmpfs", *(s for s in options.only if s != "tmpfs")]
    if options.quick:
        options.jobs, options.rounds, options.heavy_rounds, options.ms = 1000, 3, 1, 100
    return options


def proof(the_world, options):
    bench = Bench(the_world, options)
    bench.start()
    bench.rounds()
    found = results(bench)
    show(found)
    options.found = found
    pathlib.Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(options.out).write_text(json.dumps(found, indent=1))


def main():
    world.run("bench", settle(parser(__doc__).parse_args()), proof)
