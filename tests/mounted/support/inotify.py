"""An inotify watcher in a process of its own: inotify.py < arguments as JSON; one line of JSON an event on
stdout. Imports nothing of the tests, so that it can run as any user.

Arguments: `watches` (label -> path), `mask` (names of events), `look` (label -> path, optional): what is
there is put down with each event, as `seen`. The first line is {"ready": true}. When stdin closes, what is
still queued is told, and the process ends."""

import ctypes
import json
import os
import select
import stat
import struct
import sys

BITS = {
    "ACCESS": 0x1,
    "MODIFY": 0x2,
    "ATTRIB": 0x4,
    "CLOSE_WRITE": 0x8,
    "CLOSE_NOWRITE": 0x10,
    "OPEN": 0x20,
    "MOVED_FROM": 0x40,
    "MOVED_TO": 0x80,
    "CREATE": 0x100,
    "DELETE": 0x200,
    "DELETE_SELF": 0x400,
    "MOVE_SELF": 0x800,
    "UNMOUNT": 0x2000,
    "Q_OVERFLOW": 0x4000,
    "IGNORED": 0x8000,
}
ISDIR = 0x40000000
HEAD = struct.Struct("iIII")

libc = ctypes.CDLL(None, use_errno=True)


def checked(value, what):
    if value < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return value


def seen(path):
    """A link's target, a file's content, a folder's names; None where there is nothing."""
    try:
        mode = os.lstat(path).st_mode  # one look: it may appear between two
        if stat.S_ISLNK(mode):
            return os.readlink(path)
        if stat.S_ISDIR(mode):
            return sorted(os.listdir(path))
        with open(path, "rb") as f:
            return f.read().decode(errors="backslashreplace")
    except FileNotFoundError:
        return None


def parse(data):
    """Watch descriptor, mask, cookie and name of each event in a read's bytes."""
    at = 0
    while at < len(data):
        descriptor, mask, cookie, length = HEAD.unpack_from(data, at)
        at += HEAD.size
        yield descriptor, mask, cookie, data[at : at + length].rstrip(b"\0").decode()
        at += length


def tell(answer):
    print(json.dumps(answer), flush=True)


def main(watches, mask, look=None):
    fd = checked(libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK), "inotify_init1")
    bits = sum(BITS[name] for name in mask)
    labels = {
        checked(libc.inotify_add_watch(fd, path.encode(), bits), path): label for label, path in watches.items()
    }
    tell({"ready": True})
    ended = False
    while True:
        ready = select.select([fd] if ended else [fd, 0], [], [], 0 if ended else None)[0]
        ended = ended or 0 in ready
        if fd not in ready:
            if ended:
                return
            continue
        for descriptor, found, cookie, name in parse(os.read(fd, 1 << 16)):
            event = {
                "watch": labels.get(descriptor),
                "name": name,
                "kinds": [kind for kind, bit in BITS.items() if found & bit],
                "dir": bool(found & ISDIR),
                "cookie": cookie,
            }
            if look:
                event["seen"] = {label: seen(path) for label, path in look.items()}
            tell(event)


if __name__ == "__main__":
    main(**json.loads(sys.stdin.readline()))
