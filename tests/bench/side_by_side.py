"""Processes of timed.c that read side by side."""

import subprocess


def start(timed, folder, ms, parts):
    """Start a process for each part of the names. The function that lets them go waits for their ends, and gives of
    each the nanoseconds of a read and how many there were."""
    command = [timed, "cat", folder, str(ms)]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in parts]

    def go():
        for process, names in zip(started, parts):
            process.stdin.write("\n".join(names))
            process.stdin.close()
        said = [process.stdout.read().split() for process in started]
        assert all(process.wait() == 0 for process in started), "a reader failed"
        return [(int(ns), int(n)) for ns, n in said]

    return go
