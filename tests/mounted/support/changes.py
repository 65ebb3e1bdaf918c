"""A change of the service, until icejobfs shows it."""

import itertools

from .processes import wait_until

_numbers = itertools.count(1)

# Reading this file of a job makes icejobfs ask; it never changes, so its own events are easily told apart.
NUDGE = "job_id"

# What a mount needs for `change` to be quick.
QUICK = ("ttl=50ms", "patience=10s", "timeout=20s")


def stamp(mount, job):
    """A text that is another one after each change of a job: job.json has every field, and time and size of a
    file can be seen without opening it."""
    found = mount.run("stat", "-c", "%y %s", mount.job(job, "job.json"))
    return found.text if found.status == 0 else None


def nudge(mount, job):
    mount.run("cat", mount.job(job, NUDGE))


def change(mount, job, **fields):
    """The service changes these fields of a job (None removes one); returns when icejobfs shows that."""
    before = stamp(mount, job)
    mount.sim.put(job, **fields)
    await_change(mount, job, before)


def await_change(mount, job, before):
    def shown():
        nudge(mount, job)
        return stamp(mount, job) != before

    wait_until(shown, 15, f"icejobfs shows the change of {job}")


def settle(mount, other):
    """All that was shown so far has been told of, when this returns: changes are told of one after the other,
    and one of `other` has been shown after them."""
    change(mount, other, MediaId=f"fence-{next(_numbers)}")
