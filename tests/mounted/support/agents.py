"""Processes that call functions of ops.py as another user, one call after the other: a call costs a pipe's round
trip, and not the start of an interpreter (a hundred times that)."""

import json
import os
import select
import subprocess
import sys
import time

from . import processes
from .processes import Stuck, process_state

_idle = {}  # (script, user's name) -> agents that wait for a call


class Agent:
    def __init__(self, script, who, environment):
        self.process = processes.start(
            [sys.executable, script, "serve"], who, cwd="/", env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )

    def call(self, name, arguments, timeout):
        """The function's answer; Stuck, and the agent killed, when it takes longer."""
        self.process.stdin.write(json.dumps([name, arguments]).encode() + b"\n")
        self.process.stdin.flush()
        answer = json.loads(self._line(name, time.monotonic() + timeout * processes.SLOW))
        assert "raised" not in answer, answer["raised"]
        return answer["value"]

    def _line(self, name, deadline):
        parts = []
        fd = self.process.stdout.fileno()
        while not parts or not parts[-1].endswith(b"\n"):
            ready, _, _ = select.select([fd], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise Stuck(f"{name} did not end in time: {process_state(self.process.pid)}")
            parts.append(os.read(fd, 1 << 20))
            assert parts[-1], f"{name} ended its process: status {self.process.wait(timeout=5)}"
        return b"".join(parts)

    def end(self):
        processes.kill_group(self.process)
        self.process.stdin.close()
        self.process.stdout.close()


def call(script, who, environment, name, arguments, timeout):
    """Have a function of `script` called by `who`: an idle agent, or a new one where all are busy."""
    idle = _idle.setdefault((script, who.name), [])
    try:
        agent = idle.pop()
    except IndexError:
        agent = Agent(script, who, environment)
    try:
        answer = agent.call(name, arguments, timeout)
    except BaseException:  # also the time limit of a test: nobody knows what the agent would say next
        agent.end()
        raise
    idle.append(agent)
    return answer


def end_all():
    for idle in _idle.values():
        while idle:
            idle.pop().end()
