"""What a proof works in: simulators and mounts that end with it, whatever happens."""

import argparse
import contextlib
import os
import shutil
import signal
import sys
import traceback

from support.mount import Mount
from support.setup import Setup, close_workshop, open_workshop, sanitizer_of
from support.sim import Sim


class World:
    """`sim(...)` and `mount(...)` start them; leaving the world ends and judges them."""

    def __init__(self, setup):
        self.setup = setup
        self.mounts = []
        self.ending = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return self.ending.__exit__(*exception)

    def sim(self, jobs=0, args=()):
        log = self.setup.logs / f"sim-{self.setup.next_number()}.log"
        made = Sim(self.setup.program("icejobfs-sim"), str(log), jobs, args, self.setup.environment)
        self.ending.callback(lambda: made.process.returncode == -signal.SIGKILL or made.stop())
        return made

    def new_mount(self, sim, *options):
        made = Mount(self.setup, sim, options, args=("-f",))
        self.mounts.append(made)
        self.ending.callback(made.destroy)
        self.ending.callback(made.stop)
        return made

    def mount(self, sim, *options):
        return self.new_mount(sim, *options).start()


def parser(description):
    made = argparse.ArgumentParser(description=description.split("\n\n")[0])
    made.add_argument("--build", default="build", help="folder of the programs")
    made.add_argument("--mode", choices=["system", "user"], help="default: both, or what this user can")
    return made


def run(name, options, proof):
    """Call proof(world, options) in each mode. Ends the program: 1 if one of them found its promise broken."""
    workshop = open_workshop(options.build)
    sanitizer = sanitizer_of(workshop)
    every = ["system", "user"] if os.getuid() == 0 else ["user"]
    broken = False
    for mode in [options.mode] if options.mode else every:
        setup = Setup(workshop, name, mode, sanitizer)
        print(f"{name}, {mode} mode:", flush=True)
        try:
            with World(setup) as world:
                proof(world, options)
        except AssertionError as e:
            broken = True
            where = traceback.extract_tb(e.__traceback__)[-1]
            print(f"  BROKEN: {str(e) or where.line}\n  logs: {setup.logs}", flush=True)
        else:
            shutil.rmtree(setup.root, ignore_errors=True)
    left = close_workshop(workshop)
    if left:
        print(f"logs of what failed: {left}")
    sys.exit(1 if broken else 0)


def show(figures):
    for name, value in figures.items():
        text = f"{value:.1f}" if isinstance(value, float) else value
        print(f"  {name:34} {text}", flush=True)


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
