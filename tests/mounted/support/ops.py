"""File operations on a mount, in a process of their own: ops.py NAME < arguments as JSON; the answer is
JSON on stdout. `ops.py serve` answers one call a line until its stdin ends: [NAME, arguments], and
{"value": answer} or {"raised": traceback} back. Imports nothing of the tests, so that it can run as any user."""

import concurrent.futures
import errno
import hashlib
import json
import mmap
import os
import stat
import sys
import time
import traceback


def failure(e):
    return {"errno": errno.errorcode[e.errno], "number": e.errno}


def slurp(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        parts = []
        while part := os.read(fd, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(fd)


def read(path):
    begin = time.monotonic()
    try:
        answer = {"hex": slurp(path).hex()}
    except OSError as e:
        answer = failure(e)
    return dict(answer, seconds=time.monotonic() - begin)


def status(path, follow=False):
    try:
        s = os.stat(path, follow_symlinks=follow)
    except OSError as e:
        return failure(e)
    return {
        "kind": stat.filemode(s.st_mode)[0],
        "mode": oct(s.st_mode & 0o7777),
        "size": s.st_size,
        "blocks": s.st_blocks,
        "nlink": s.st_nlink,
        "ino": s.st_ino,
        "uid": s.st_uid,
        "gid": s.st_gid,
        "mtime_ns": s.st_mtime_ns,
        "ctime_ns": s.st_ctime_ns,
    }


def job(path):
    """All of one job's folder: name -> status and content."""
    files = {}
    for name in os.listdir(path):
        where = os.path.join(path, name)
        files[name] = dict(status(where), hex=slurp(where).hex())
    return files


def jobs(paths):
    return {path: job(path) for path in paths}


def mapped(path):
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ) as text:
        return {"hex": text[:].hex()}


def dontneed(path):
    with open(path, "rb") as f:
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def readers(paths, rounds=1, by_mmap=False):
    """Read every path at the same time, each in its own thread, `rounds` times; every second one by mmap(2), if
    asked to."""

    def one(numbered):
        n, path = numbered
        last = None
        for _ in range(rounds):
            last = mapped(path) if by_mmap and n % 2 else read(path)
            if "hex" in last:
                last["sha"] = hashlib.sha256(bytes.fromhex(last.pop("hex"))).hexdigest()
        return last

    with concurrent.futures.ThreadPoolExecutor(len(paths)) as pool:
        return list(pool.map(one, enumerate(paths)))


def drain(paths, threads):
    """Read every path once, by so many threads; seconds and the errnos seen."""
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(read, paths))
    seconds = time.monotonic() - begin
    return {
        "seconds": seconds,
        "slowest": max(a["seconds"] for a in answers),
        "errors": sorted({a["errno"] for a in answers if "errno" in a}),
        "texts": [bytes.fromhex(a.get("hex", "")).decode(errors="replace") for a in answers],
    }


def xattrs(path):
    try:
        return {name: os.getxattr(path, name).decode() for name in os.listxattr(path)}
    except OSError as e:
        return failure(e)


def getxattr(path, attribute):
    try:
        return {"value": os.getxattr(path, attribute).decode()}
    except OSError as e:
        return failure(e)


CHANGES = {
    "open for writing": lambda j, f: os.open(f, os.O_WRONLY),
    "open for reading and writing": lambda j, f: os.open(f, os.O_RDWR),
    "open to append": lambda j, f: os.open(f, os.O_WRONLY | os.O_APPEND),
    "open and truncate": lambda j, f: os.open(f, os.O_WRONLY | os.O_TRUNC),
    "create": lambda j, f: os.open(j + "/new", os.O_WRONLY | os.O_CREAT, 0o644),
    "create beside the folder": lambda j, f: os.open(os.path.dirname(j) + "/.new", os.O_WRONLY | os.O_CREAT, 0o644),
    "create a file and read": lambda j, f: os.open(j + "/new", os.O_RDONLY | os.O_CREAT, 0o644),
    "mkdir": lambda j, f: os.mkdir(j + "/new"),
    "mkdir beside the folder": lambda j, f: os.mkdir(os.path.dirname(j) + "/.new"),
    "mknod": lambda j, f: os.mkfifo(j + "/new"),
    "unlink": lambda j, f: os.unlink(f),
    "rmdir": lambda j, f: os.rmdir(j),
    "rename a file": lambda j, f: os.rename(f, f + "2"),
    "rename the folder": lambda j, f: os.rename(j, j + "2"),
    "symlink": lambda j, f: os.symlink("x", j + "/new"),
    "link": lambda j, f: os.link(f, j + "/new"),
    "truncate": lambda j, f: os.truncate(f, 0),
    "chmod a file": lambda j, f: os.chmod(f, 0o666),
    "chmod a folder": lambda j, f: os.chmod(j, 0o777),
    "chown": lambda j, f: os.chown(f, os.getuid(), os.getgid()),
    "set times": lambda j, f: os.utime(f, (1, 1)),
    "set times to now": lambda j, f: os.utime(f),
    "setxattr": lambda j, f: os.setxattr(f, "user.ice.stale", b"1"),
    "setxattr of a new name": lambda j, f: os.setxattr(f, "user.note", b"1"),
    "removexattr": lambda j, f: os.removexattr(f, "user.ice.stale"),
}


def changes(job, file):
    """Try every way to change a file and the folder that it is in; name -> errno, None where it succeeded."""
    answers = {}
    for name, change in CHANGES.items():
        try:
            change(job, file)
            answers[name] = None
        except OSError as e:
            answers[name] = errno.errorcode[e.errno]
    return answers


def access_write(paths):
    """faccessat(W_OK) with the effective ids: what `test -w` says."""
    return {path: os.access(path, os.W_OK, effective_ids=True) for path in paths}


def held(path, seconds, pause=0.05):
    """Read the start of a file over and over through one handle; the different texts in order."""
    seen = []
    fd = os.open(path, os.O_RDONLY)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text = os.pread(fd, 4096, 0).decode()
        if not seen or seen[-1] != text:
            seen.append(text)
        time.sleep(pause)
    os.close(fd)
    return seen


def whole(path, versions, seconds):
    """Read a file over and over; whether every pass was one of these versions (hex), and which."""
    known = {bytes.fromhex(v): i for i, v in enumerate(versions)}
    seen, torn, passes = set(), [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(torn) < 3:
        data = slurp(path)
        passes += 1
        if data in known:
            seen.add(known[data])
        else:
            torn.append(data.hex()[:200])
    return {"seen": sorted(seen), "torn": torn, "passes": passes}


def resolves(paths, started):
    """Try the paths in this order over and over until the last one is there; a round in which none was is
    missed. `started` is made after the first round."""
    rounds = missed = 0
    while not os.path.exists(paths[-1]):
        missed += not any(os.path.exists(path) for path in paths)
        rounds += 1
        if rounds == 1:
            os.close(os.open(started, os.O_CREAT | os.O_WRONLY, 0o644))
    return {"rounds": rounds, "missed": missed}


def dangling(views, started, ended):
    """Look at every link in the groups of these folders over and over until `ended` is there: those that were there
    before and after, and could not be followed in between. `started` is made after the first round."""
    def names(folder):
        try:
            return os.listdir(folder)
        except FileNotFoundError:  # a group that has gone
            return []

    rounds, looked, found = 0, 0, set()
    while not os.path.exists(ended):
        for group in [os.path.join(view, name) for view in views for name in names(view)]:
            for link in [os.path.join(group, name) for name in names(group)]:
                looked += 1
                if os.path.lexists(link) and not os.path.exists(link) and os.path.lexists(link):
                    found.add(link)
        rounds += 1
        if rounds == 1:
            os.close(os.open(started, os.O_CREAT | os.O_WRONLY, 0o644))
    return {"rounds": rounds, "looked": looked, "dangling": sorted(found)}


def always(paths, started, ended):
    """Follow these paths over and over until `ended` is there: how often each could not be."""
    rounds, missed = 0, dict.fromkeys(paths, 0)
    while not os.path.exists(ended):
        for path in paths:
            missed[path] += not os.path.exists(path)
        rounds += 1
        if rounds == 1:
            os.close(os.open(started, os.O_CREAT | os.O_WRONLY, 0o644))
    return {"rounds": rounds, "missed": {p: n for p, n in missed.items() if n}}


def keeps(path, go, before=None):
    """Open a file, wait until `go` is there, then read it to the end: {"hex": ...}."""
    fd = os.open(path, os.O_RDONLY)
    if before:
        os.close(os.open(before, os.O_CREAT | os.O_WRONLY, 0o644))
    while not os.path.exists(go):
        time.sleep(0.01)
    parts = []
    while part := os.read(fd, 1 << 20):
        parts.append(part)
    end = os.lseek(fd, 0, os.SEEK_END)
    os.close(fd)
    return {"hex": b"".join(parts).hex(), "end": end}


def listed(folder, names, gone, started):
    """Over and over until all of `names` are there and all of `gone` are not: whether the listing has what can be
    found, and has not what cannot. `started` is made after the first round."""
    rounds, wrong = 0, set()
    while True:
        here = {name for name in names if os.path.exists(os.path.join(folder, name))}
        lost = {name for name in gone if not os.path.exists(os.path.join(folder, name))}
        found = set(os.listdir(folder))
        wrong |= (here - found) | (lost & found)
        rounds += 1
        if rounds == 1:
            os.close(os.open(started, os.O_CREAT | os.O_WRONLY, 0o644))
        if here == set(names) and lost == set(gone):
            return {"rounds": rounds, "wrong": sorted(wrong)}


def sizes(path, seconds):
    """All sizes that stat shows meanwhile."""
    end = time.monotonic() + seconds
    found = set()
    while time.monotonic() < end:
        found.add(os.stat(path).st_size)
    return sorted(found)


def walk(path):
    """Look the name up, and ask nothing about it."""
    os.close(os.open(path, os.O_PATH))


def listing(path):
    return os.listdir(path)


def unlisted(folder, jobs):
    """Those that are not in the folder's listing right after they have been read. A moment lies between them, in
    which the kernel gets a listing to keep."""
    lacking = []
    for job in jobs:
        time.sleep(0.03)
        os.listdir(folder)
        slurp(os.path.join(folder, job, "status"))
        if job not in os.listdir(folder):
            lacking.append(job)
    return lacking


FUNCTIONS = {
    f.__name__: f
    for f in (
        read, status, job, jobs, readers, drain, xattrs, getxattr, changes, access_write, held, whole,
        resolves, dangling, always, keeps, listed, sizes, listing, walk,
        unlisted, dontneed,
    )
}


def serve():
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer = {"value": FUNCTIONS[name](**arguments)}
        except Exception:
            answer = {"raised": traceback.format_exc()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        json.dump(FUNCTIONS[sys.argv[1]](**json.load(sys.stdin)), sys.stdout)
