/* What the files of the store share. Nobody else includes it.
 *
 *   store.c          made, closed; which files, and their modes
 *   store_db.c       one connection: opened, its statements, its errors
 *   store_schema.c   the tables, and the steps from one version to the next
 *   store_read.c     rows -> jobs, contents, lines
 *   store_save.c     jobs -> rows
 *   store_number.c   the numbers of events
 *   store_aside.c    a damaged database is renamed
 *
 * A function that fails gives *why and `err` and returns -1, NULL or false. */
#ifndef ICE_CACHE_STORE_PRIVATE_H
#define ICE_CACHE_STORE_PRIVATE_H

#include "base/thread.h"
#include "cache/store.h"
#include <sqlite3.h>
#include <stdatomic.h>

/* How long a lock of somebody else is waited for. */
#define STORE_WRITE_BUSY_MS 3000
#define STORE_READ_BUSY_MS  1000

/* Where who may fail says why; neither is NULL. */
struct store_fault {
    enum store_trouble *why;
    struct err *err;
};

enum store_sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_LOAD,
    SQL_PUT,
    SQL_PUT_REPLY,
    SQL_PUT_LINE,
    SQL_RENEW,
    SQL_KNOW,
    SQL_TOUCH,
    SQL_FORGET_REPLY,
    SQL_FORGET_LINE,
    SQL_FORGET,
    SQL_READ_SINCE,
    SQL_CLEAR_MISSING,
    SQL_PUT_MISSING,
    SQL_NUMBER,
    SQL_PUT_NUMBER,
    SQL_COUNT,
};

/* One connection. Used by one thread at a time. */
struct store_db {
    sqlite3 *db; /* NULL: there is none */
    sqlite3_stmt *stmts[SQL_COUNT];
    int busy_ms;
    int64_t busy_since_ms;
    const _Atomic int64_t *hurry_ms; /* no wait goes on past it */
};

struct store {
    char *path; /* its directory without symbolic links */
    char *vfs;  /* or NULL */
    int64_t
        writer_id; /* who wrote a row: rows of this store are its own, whatever the clock says */
    bool writable;
    enum store_trouble unwritable; /* ... if not: why */
    struct err unwritable_text;
    bool immutable; /* read as it is, without locks: its directory takes no -shm */
    _Atomic int64_t hurry_ms;
    pthread_mutex_t write_lock; /* protects `writing` */
    struct store_db writing;
    pthread_mutex_t read_lock; /* protects `reading` */
    struct store_db reading;
};

/* ---- one connection ---- */

/* `flags`: SQLITE_OPEN_READWRITE or _READONLY. */
int store_db_open(struct store_db *d, const struct store *s, int flags, int busy_ms,
                  const struct store_fault *f);
void store_db_close(struct store_db *d);
/* Somebody's lock is in the way since then: false, or true after a moment of waiting. */
bool store_db_wait(const struct store_db *d, int64_t since_ms);

/* What went wrong last on this connection; `doing`: "read a job". Returns -1. */
int store_db_fault(const struct store_db *d, const char *doing, const struct store_fault *f);
enum store_trouble store_trouble_of(int sqlite_code, int system_errno);
/* A failure without SQLite. Returns -1. */
int store_fault(const struct store_fault *f, enum store_trouble why, const char *fmt, ...)
    ICE_PRINTF(3, 4);

/* What writes, where nothing can be written. Returns -1. */
int store_fault_unwritable(const struct store *s, const struct store_fault *f);

/* A kept statement, ready to be bound; NULL: store_db_fault tells. */
sqlite3_stmt *store_sql(struct store_db *d, enum store_sql which);
/* Run to its end and let go of what was bound. 0 or -1. */
int store_run(sqlite3_stmt *stmt);
/* A statement without rows and without bindings. */
int store_do(struct store_db *d, enum store_sql which);
int store_exec(struct store_db *d, const char *sql);
/* PRAGMA user_version and the like. */
int store_pragma(struct store_db *d, const char *sql, int64_t *value);

/* A connection for one walk through a table, so that nobody waits for it. */
int store_walk_open(struct store *s, struct store_db *d, const struct store_fault *f);

/* ---- the schema ---- */

/* Whether it is ours, and of a version that we can use: *version, 0 for an empty file. */
int store_schema_check(struct store_db *d, int64_t *version, const struct store_fault *f);
/* All steps from its version to `n`, in one transaction. */
int store_schema_update(struct store_db *d, const char *const *steps, int64_t n,
                        const struct store_fault *f);
extern const char *const store_schema_steps[STORE_VERSION];

#endif
