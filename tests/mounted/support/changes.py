"""A change of the service, until icejobfs shows it."""

import itertools

from .processes import wait_until

_numbers = itertools.count(1)

# What a mount needs for changes to be shown soon.
QUICK = ("refresh=100ms",)


def stamp(mount, job):
    """What is another one after each change of a job: job.json has every field, and time and size of a
    file can be seen without opening it, which would be an event."""
    found = mount.ops("status", path=mount.job(job, "job.json"))
    return None if "errno" in found else (found["mtime_ns"], found["size"])


def change(mount, job, **fields):
    """The service changes these fields of a job (None removes one); returns when icejobfs shows that."""
    before = stamp(mount, job)
    mount.sim.put(job, **fields)
    await_change(mount, job, before)


def await_change(mount, job, before):
    """Until icejobfs shows another version of a job than that of this stamp."""
    wait_until(lambda: stamp(mount, job) != before, 15, f"icejobfs shows the change of {job}")


def settle(mount, other):
    """All that was shown so far has been told of, when this returns: changes are told of one after the other,
    and one of `other`, a job that is known, has been shown after them."""
    change(mount, other, MediaId=f"fence-{next(_numbers)}")
