#include "base/clock.h"
#include "cache/store_private.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BUSY_STEP_MS 10

/* Which row may take another's place: ours, a later one's, or one that says it comes from the
 * future, since the clock was set back. What a list shows never takes the place of what Get gave.
 */
#define NOT_OLDER "(excluded.fetched >= fetched OR excluded.writer = writer OR fetched > ?16)"
#define NOT_LESS                                                                                   \
    "(excluded.partial <= partial OR NOT EXISTS (SELECT 1 FROM reply WHERE number = job.number))"
#define COLUMNS                                                                                    \
    "id, status, partial, duration, create_s, project, mtime_ns, ctime_ns, row_len, fetched, "     \
    "got, read, ended, gone, writer"

static const char *const sql_text[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_LOAD] =
        "SELECT partial, mtime_ns, ctime_ns, times, body FROM job JOIN reply USING (number) "
        "WHERE id = ?1",
    [SQL_PUT] =
        "INSERT INTO job (" COLUMNS ") "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) "
        "ON CONFLICT (id) DO UPDATE SET status = excluded.status, partial = excluded.partial, "
        "duration = excluded.duration, create_s = excluded.create_s, project = excluded.project, "
        "mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns, row_len = excluded.row_len, "
        "fetched = excluded.fetched, got = excluded.got, read = max(read, excluded.read), "
        "ended = excluded.ended, gone = excluded.gone, writer = excluded.writer "
        "WHERE " NOT_OLDER " AND " NOT_LESS " RETURNING number",
    [SQL_PUT_REPLY] = "INSERT INTO reply (number, times, body) VALUES (?1, ?2, ?3) "
                      "ON CONFLICT (number) DO UPDATE SET times = excluded.times, "
                      "body = excluded.body",
    [SQL_PUT_LINE] = "INSERT INTO line (id, row) VALUES (?1, ?2) "
                     "ON CONFLICT (id) DO UPDATE SET row = excluded.row",
    /* The content stays, and with it what is made of it: of the same content, the rest. */
    [SQL_RENEW] =
        "UPDATE job SET fetched = ?10, got = ?11, read = max(read, ?12), ended = ?13, gone = ?14, "
        "writer = ?15 WHERE id = ?1 AND mtime_ns = ?7 AND ctime_ns = ?8 "
        "AND (?10 >= fetched OR ?15 = writer OR fetched > ?16)",
    /* Its content is nowhere: that it is there is known all the same. */
    [SQL_KNOW] = "INSERT INTO job (" COLUMNS ") "
                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) "
                 "ON CONFLICT (id) DO UPDATE SET read = excluded.read WHERE excluded.read > read",
    [SQL_TOUCH] = "UPDATE job SET read = ?2 WHERE id = ?1 AND read < ?2",
    [SQL_FORGET_REPLY] = "DELETE FROM reply WHERE number = (SELECT number FROM job WHERE id = ?1)",
    [SQL_FORGET_LINE] = "DELETE FROM line WHERE id = ?1",
    [SQL_FORGET] = "DELETE FROM job WHERE id = ?1",
    [SQL_READ_SINCE] = "SELECT 1 FROM job WHERE id = ?1 AND read > ?2",
    [SQL_CLEAR_MISSING] = "DELETE FROM missing",
    [SQL_PUT_MISSING] = "INSERT OR REPLACE INTO missing (id, until_ms) VALUES (?1, ?2)",
    [SQL_NUMBER] = "SELECT value FROM meta WHERE name = 'next_number'",
    [SQL_PUT_NUMBER] = "INSERT OR REPLACE INTO meta (name, value) VALUES ('next_number', ?1)",
};

/* ---- what went wrong ---- */

int store_fault(const struct store_fault *f, enum store_trouble why, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    *f->why = why;
    return err_set(f->err, "%s", text);
}

static enum store_trouble trouble_of_errno(int system_errno, enum store_trouble otherwise)
{
    switch (system_errno) {
    case ENOSPC:
    case EDQUOT:
        return STORE_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return STORE_READONLY;
    case ENOMEM:
        return STORE_NOMEM;
    default:
        return otherwise;
    }
}

enum store_trouble store_trouble_of(int sqlite_code, int system_errno)
{
    if (sqlite_code == SQLITE_IOERR_NOMEM)
        return STORE_NOMEM;
    switch (sqlite_code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return STORE_FINE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
        return STORE_BUSY;
    case SQLITE_FULL:
        return STORE_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return STORE_READONLY;
    case SQLITE_NOMEM:
        return STORE_NOMEM;
    /* Our statements are right: where one does not fit, the tables are not what they should be. */
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return STORE_CORRUPT;
    default: /* SQLITE_IOERR, SQLITE_CANTOPEN */
        return trouble_of_errno(system_errno, STORE_IO);
    }
}

int store_db_fault(const struct store_db *d, const char *doing, const struct store_fault *f)
{
    int code = sqlite3_extended_errcode(d->db), system_errno = sqlite3_system_errno(d->db);
    enum store_trouble why = store_trouble_of(code, system_errno);
    const char *path = d->db ? sqlite3_db_filename(d->db, "main") : NULL;
    bool by_system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
    return store_fault(f, why == STORE_FINE ? STORE_IO : why, "cannot %s in %s: %s%s%s", doing,
                       path ? path : "the store", sqlite3_errmsg(d->db),
                       by_system && system_errno ? ": " : "",
                       by_system && system_errno ? strerror(system_errno) : "");
}

const char *store_trouble_name(enum store_trouble t)
{
    switch (t) {
    case STORE_FINE:
        return "fine";
    case STORE_BUSY:
        return "busy";
    case STORE_FULL:
        return "full";
    case STORE_READONLY:
        return "read-only";
    case STORE_IO:
        return "io";
    case STORE_CORRUPT:
        return "corrupt";
    case STORE_NEWER:
        return "newer";
    case STORE_NOMEM:
        return "no memory";
    }
    return "unknown";
}

/* ---- statements ---- */

sqlite3_stmt *store_sql(struct store_db *d, enum store_sql which)
{
    if (!d->stmts[which])
        sqlite3_prepare_v3(d->db, sql_text[which], -1, SQLITE_PREPARE_PERSISTENT, &d->stmts[which],
                           NULL);
    return d->stmts[which];
}

int store_run(sqlite3_stmt *stmt)
{
    while (sqlite3_step(stmt) == SQLITE_ROW)
        ;
    int rc = sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc == SQLITE_OK ? 0 : -1;
}

int store_do(struct store_db *d, enum store_sql which)
{
    sqlite3_stmt *stmt = store_sql(d, which);
    return stmt ? store_run(stmt) : -1;
}

int store_exec(struct store_db *d, const char *sql)
{
    return sqlite3_exec(d->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

int store_pragma(struct store_db *d, const char *sql, int64_t *value)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(d->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return -1;
    int rc = sqlite3_step(stmt);
    *value = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    rc = sqlite3_finalize(stmt);
    return rc == SQLITE_OK ? 0 : -1;
}

/* ---- opened, closed ---- */

bool store_db_wait(const struct store_db *d, int64_t since_ms)
{
    int64_t now = clock_mono_ms();
    if (now - since_ms >= d->busy_ms || now >= atomic_load(d->hurry_ms))
        return false;
    nanosleep(&(struct timespec){.tv_nsec = BUSY_STEP_MS * NS_PER_MS}, NULL);
    return true;
}

/* SQLite asks whether to wait on for somebody's lock. */
static int wait_for_lock(void *arg, int times)
{
    struct store_db *d = arg;
    if (times == 0)
        d->busy_since_ms = clock_mono_ms();
    return store_db_wait(d, d->busy_since_ms);
}

/* "file:..." of a path; freed by sqlite3_free. */
static char *immutable_uri(const char *path)
{
    sqlite3_str *uri = sqlite3_str_new(NULL);
    sqlite3_str_appendall(uri, "file:");
    for (; *path; path++) {
        if (strchr("%?#", *path))
            sqlite3_str_appendf(uri, "%%%02x", *path);
        else
            sqlite3_str_appendchar(uri, 1, *path);
    }
    sqlite3_str_appendall(uri, "?immutable=1");
    return sqlite3_str_finish(uri);
}

static int open_path(struct store_db *d, const struct store *s, int flags)
{
    flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
    if (!s->immutable)
        return sqlite3_open_v2(s->path, &d->db, flags, s->vfs);
    char *uri = immutable_uri(s->path);
    if (!uri)
        return SQLITE_NOMEM;
    int rc = sqlite3_open_v2(uri, &d->db, flags | SQLITE_OPEN_URI, s->vfs);
    sqlite3_free(uri);
    return rc;
}

int store_db_open(struct store_db *d, const struct store *s, int flags, int busy_ms,
                  const struct store_fault *f)
{
    *d = (struct store_db){.busy_ms = busy_ms, .hurry_ms = &s->hurry_ms};
    if (open_path(d, s, flags) != SQLITE_OK) {
        store_db_fault(d, "open the database", f);
        err_prefix(f->err, "%s", s->path);
        store_db_close(d);
        return -1;
    }
    sqlite3_busy_handler(d->db, wait_for_lock, d);
    /* Whoever only looks leaves everything as it is. */
    sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(d->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return 0;
}

void store_db_close(struct store_db *d)
{
    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(d->stmts[i]);
    sqlite3_close(d->db);
    *d = (struct store_db){0};
}
