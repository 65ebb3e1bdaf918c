/* What is known, on disk: one SQLite database in WAL mode.
 *
 * No thread of its own and no policy: each function does its work on the calling thread, and may
 * wait for the disk. Two connections, each behind a lock of its own: one writes (store_save, ...),
 * one reads (store_load), so that who reads never waits for a transaction; a walk through a table
 * (store_each, ...) has a connection for itself, and no lock is held while `each` runs. Several
 * processes may share a database: rows that somebody else has renewed later are not overwritten by
 * older ones, and what Get gave not by what a list shows.
 *
 * Rows are text, numbers and the service's replies; there is no secret in them. Files are 0600.
 *
 * Failures are values: -1 with `err` and *why, which tells what can be done. After STORE_CORRUPT
 * the database should be closed and set aside (store_set_aside); after all others the same call may
 * succeed later. Sources: sqlite.org/wal.html, /rescode.html, /pragma.html. */
#ifndef ICE_CACHE_STORE_H
#define ICE_CACHE_STORE_H

#include "base/err.h"
#include "job/facts.h"
#include "job/job.h"
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

enum store_trouble {
    STORE_FINE,
    STORE_BUSY,     /* somebody holds a lock for too long */
    STORE_FULL,     /* no space */
    STORE_READONLY, /* the file or its directory cannot be written */
    STORE_IO,       /* reading or writing failed */
    STORE_CORRUPT,  /* it is no database, not ours, or a damaged one */
    STORE_NEWER,    /* made by a newer version of this program: left as it is */
    STORE_NOMEM,
};
/* "busy", "full", ... */
const char *store_trouble_name(enum store_trouble t);

#define STORE_VERSION 1 /* of the schema, in PRAGMA user_version; older ones are migrated */

/* Open, or make it; `path` is absolute and its directory exists. A file that can be read and not
 * written is opened for reading: store_writable is then false and what writes fails with the reason
 * (STORE_READONLY, or STORE_FULL where there is no room for a log); open it again to see whether
 * that has changed. NULL with `err`. `vfs`: SQLite's, NULL for the system's (tests give a failing
 * one). `why` is never NULL, in all functions. */
struct store *store_open(const char *path, const char *vfs, enum store_trouble *why,
                         struct err *err);
void store_close(struct store *s); /* NULL is nothing */
bool store_writable(const struct store *s);

/* No call waits for somebody's lock beyond this moment (clock_mono_ms). Any thread, also while one
 * waits. INT64_MAX: as long as usual. */
void store_hurry(struct store *s, int64_t mono_ms);

/* Whether the file that is open still has its name: somebody may have set it aside, or removed it.
 */
bool store_in_place(struct store *s);

/* Rename a closed database (and its -wal and -shm) to "<path>.corrupt-<time>", never over something
 * that is there. `aside` (NULL: nobody wants it) takes the new path. 0 or -1. */
int store_set_aside(const char *path, int64_t now_real_s, char aside[PATH_MAX], struct err *err);

/* ---- jobs ---- */

struct store_job {
    const struct job_facts *facts; /* borrowed; not counted in what store_each gives */
    int64_t fetched_real_ns;       /* when the content was last confirmed; 0: never */
    int64_t got_real_ns;           /* ... by a Get */
    int64_t read_real_s;           /* when somebody last read it */
    bool ended;                    /* a Get has shown the job's end */
    bool gone;                     /* the service has forgotten it */
};

/* Call `each` for every job, contents aside; in no order. 100,000 of them take some tenths of a
 * second. 0 or -1: what was seen before stays seen. */
int store_each(struct store *s, void (*each)(void *arg, const struct store_job *job), void *arg,
               enum store_trouble *why, struct err *err);

/* The content of one job: a reference, or NULL with `err`; STORE_FINE then means that there is no
 * such row, or none that makes sense. */
struct job *store_load(struct store *s, const char *id, enum store_trouble *why, struct err *err);

/* Call `each` for every job's line of jobs.tsv, sorted by id (byte order). `row` ends in its line
 * feed. */
int store_each_row(struct store *s,
                   void (*each)(void *arg, const char *id, const char *row, size_t len), void *arg,
                   enum store_trouble *why, struct err *err);

/* ---- writing: one transaction a call ---- */

struct store_put {
    struct store_job job;
    const struct job
        *content; /* NULL: the content that is stored stays, only the rest is renewed */
};

struct store_missing {
    const char *id;
    int64_t until_real_ms;
};

struct store_batch {
    const struct store_put *puts;
    size_t n_puts;
    const struct store_missing *missing; /* remembered JobNotFound; replaces what was remembered.
                                            NULL: that stays */
    size_t n_missing;
    const char *const *forget; /* ids of jobs to be forgotten, content and all, before the puts */
    size_t n_forget;
    int64_t forget_unread_s; /* but not if somebody has read them since (real time); 0: whatever */
};

/* All of it or nothing, durable against the end of this process when it returns (WAL,
 * synchronous=NORMAL). A put that is older than what is stored is passed over. 0 or -1. */
int store_save(struct store *s, const struct store_batch *batch, enum store_trouble *why,
               struct err *err);

/* Call `each` for the ids remembered as missing beyond `now_real_ms`. */
int store_each_missing(struct store *s, int64_t now_real_ms,
                       void (*each)(void *arg, const char *id, int64_t until_real_ms), void *arg,
                       enum store_trouble *why, struct err *err);

/* ---- numbers of events ---- */

/* Reserve `n` numbers that nobody has had, at least `from`, across all who share the database:
 * *first is the first. Durable when it returns, against the loss of power too. 0 or -1. */
int store_reserve(struct store *s, uint64_t from, uint64_t n, uint64_t *first,
                  enum store_trouble *why, struct err *err);

#endif
