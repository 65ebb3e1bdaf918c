"""Watch a mount, in a process of its own: watching.py NAME=PATH... prints a JSON line for each inotify event:
{"t": monotonic seconds, "on": NAME, "mask": [...], "name": ..., "cookie": n}, the first when all is watched.

A path that ends in `/events` is read as the stream instead: {"t": ..., "on": NAME, "line": {...}}. On stdin
come more watches, a NAME=PATH a line; each is acknowledged by {"t": ..., "on": NAME, "watched": true}. Ends with stdin.
Imports nothing of the tests, so that it can run as any user."""

import ctypes
import json
import os
import select
import struct
import sys
import time

MASKS = {
    0x2: "MODIFY", 0x4: "ATTRIB", 0x8: "CLOSE_WRITE", 0x40: "MOVED_FROM", 0x80: "MOVED_TO", 0x100: "CREATE",
    0x200: "DELETE", 0x400: "DELETE_SELF", 0x2000: "UNMOUNT", 0x4000: "OVERFLOW", 0x8000: "IGNORED",
}
WANTED = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400
libc = ctypes.CDLL(None, use_errno=True)


class Watcher:
    def __init__(self):
        self.inotify = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.names = {}
        self.streams = {}
        self.poll = select.poll()
        self.poll.register(self.inotify, select.POLLIN)
        self.poll.register(0, select.POLLIN)
        self.asked = b""

    def say(self, **facts):
        sys.stdout.write(json.dumps(facts) + "\n")

    def add(self, name, path):
        if path.endswith("/events"):
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            self.streams[fd] = [name, b""]
            self.poll.register(fd, select.POLLIN)
        else:
            number = libc.inotify_add_watch(self.inotify, path.encode(), WANTED)
            if number < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
            self.names[number] = name
            self.read_events(time.monotonic())  # what was before the watch is told before it
        self.say(t=time.monotonic(), on=name, watched=True)

    def read_events(self, now):
        try:
            data, at = os.read(self.inotify, 1 << 18), 0
        except BlockingIOError:
            return
        while at < len(data):
            number, mask, cookie, length = struct.unpack_from("iIII", data, at)
            name = data[at + 16 : at + 16 + length].split(b"\0", 1)[0].decode()
            at += 16 + length
            kinds = [text for bit, text in MASKS.items() if mask & bit]
            self.say(t=now, on=self.names.get(number), mask=kinds, name=name, cookie=cookie)

    def read_stream(self, fd, now):
        try:
            data = os.read(fd, 1 << 16)
        except BlockingIOError:
            return
        if not data:
            self.poll.unregister(fd)
            return
        lines = (self.streams[fd][1] + data).split(b"\n")
        self.streams[fd][1] = lines.pop()
        for line in lines:
            self.say(t=now, on=self.streams[fd][0], line=json.loads(line))

    def read_asked(self):
        data = os.read(0, 1 << 16)
        lines = (self.asked + data).split(b"\n")
        self.asked = lines.pop()
        for line in lines:
            self.add(*line.decode().split("=", 1))
        return bool(data)

    def run(self):
        going = True
        while going:
            sys.stdout.flush()
            for fd, _ in self.poll.poll():
                now = time.monotonic()
                if fd == 0:
                    going = self.read_asked()
                elif fd == self.inotify:
                    self.read_events(now)
                else:
                    self.read_stream(fd, now)


if __name__ == "__main__":
    watcher = Watcher()
    for argument in sys.argv[1:]:
        watcher.add(*argument.split("=", 1))
    watcher.say(t=time.monotonic(), on=None, ready=True)
    watcher.run()
