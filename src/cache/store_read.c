#include "base/buf.h"
#include "cache/store_private.h"
#include "job/name.h"
#include "job/restore.h"
#include "job/row.h"
#include <string.h>

/* ---- walks ---- */

struct walk {
    struct store_db db;
    sqlite3_stmt *stmt;
    const char *doing;
};

static void walk_end(struct walk *w)
{
    sqlite3_finalize(w->stmt);
    store_db_close(&w->db);
}

static int walk_begin(struct store *s, struct walk *w, const char *sql, const struct store_fault *f)
{
    if (store_walk_open(s, &w->db, f) < 0)
        return -1;
    if (sqlite3_prepare_v2(w->db.db, sql, -1, &w->stmt, NULL) == SQLITE_OK)
        return 0;
    store_db_fault(&w->db, w->doing, f);
    walk_end(w);
    return -1;
}

/* The walk is over after a row that was none: 0, or -1 when that was a failure. */
static int walk_over(struct walk *w, int rc, const struct store_fault *f)
{
    rc = rc == SQLITE_DONE ? 0 : store_db_fault(&w->db, w->doing, f);
    walk_end(w);
    return rc;
}

/* ---- jobs ---- */

/* NULL where it is no text, as in a damaged row. */
static const char *text_of(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_TEXT
               ? (const char *)sqlite3_column_text(row, column)
               : NULL;
}

static uint8_t status_of(int64_t number)
{
    return number >= JOB_STATUS_OTHER && number <= JOB_STATUS_FAILED ? (uint8_t)number
                                                                     : JOB_STATUS_OTHER;
}

static void facts_of(sqlite3_stmt *row, struct job_facts *facts)
{
    *facts = (struct job_facts){
        .id = text_of(row, 0),
        .status = status_of(sqlite3_column_int64(row, 1)),
        .partial = sqlite3_column_int(row, 2) != 0,
        .duration = sqlite3_column_int(row, 3) != 0,
        .create_s =
            sqlite3_column_type(row, 4) == SQLITE_NULL ? JOB_NO_TIME : sqlite3_column_int64(row, 4),
        .project = text_of(row, 5),
        .mtime_ns = sqlite3_column_int64(row, 6),
        .ctime_ns = sqlite3_column_int64(row, 7),
        .row_len = (uint32_t)sqlite3_column_int64(row, 8),
    };
}

/* A row that makes no sense is passed over. */
static void give_job(sqlite3_stmt *row, void (*each)(void *arg, const struct store_job *job),
                     void *arg)
{
    struct job_facts facts;
    facts_of(row, &facts);
    if (!facts.id || !facts.project || !job_id_possible(facts.id))
        return;
    const struct store_job job = {
        .facts = &facts,
        .fetched_real_ns = sqlite3_column_int64(row, 9),
        .got_real_ns = sqlite3_column_int64(row, 10),
        .read_real_s = sqlite3_column_int64(row, 11),
        .ended = sqlite3_column_int(row, 12) != 0,
        .gone = sqlite3_column_int(row, 13) != 0,
    };
    each(arg, &job);
}

int store_each(struct store *s, void (*each)(void *arg, const struct store_job *job), void *arg,
               enum store_trouble *why, struct err *err)
{
    static const char sql[] = "SELECT id, status, partial, duration, create_s, project, mtime_ns, "
                              "ctime_ns, row_len, fetched, got, read, ended, gone FROM job";
    const struct store_fault f = {why, err};
    struct walk w = {.doing = "read the jobs"};
    int rc;
    if (walk_begin(s, &w, sql, &f) < 0)
        return -1;
    while ((rc = sqlite3_step(w.stmt)) == SQLITE_ROW)
        give_job(w.stmt, each, arg);
    return walk_over(&w, rc, &f);
}

int store_each_row(struct store *s,
                   void (*each)(void *arg, const char *id, const char *row, size_t len), void *arg,
                   enum store_trouble *why, struct err *err)
{
    static const char sql[] = "SELECT id, row FROM line ORDER BY id";
    const struct store_fault f = {why, err};
    struct walk w = {.doing = "read the lines of jobs"};
    int rc;
    if (walk_begin(s, &w, sql, &f) < 0)
        return -1;
    while ((rc = sqlite3_step(w.stmt)) == SQLITE_ROW) {
        const char *id = text_of(w.stmt, 0), *row = text_of(w.stmt, 1);
        if (id && row)
            each(arg, id, row, (size_t)sqlite3_column_bytes(w.stmt, 1));
    }
    return walk_over(&w, rc, &f);
}

int store_each_missing(struct store *s, int64_t now_real_ms,
                       void (*each)(void *arg, const char *id, int64_t until_real_ms), void *arg,
                       enum store_trouble *why, struct err *err)
{
    static const char sql[] = "SELECT id, until_ms FROM missing WHERE until_ms > ?1";
    const struct store_fault f = {why, err};
    struct walk w = {.doing = "read what is missing"};
    int rc;
    if (walk_begin(s, &w, sql, &f) < 0)
        return -1;
    sqlite3_bind_int64(w.stmt, 1, now_real_ms);
    while ((rc = sqlite3_step(w.stmt)) == SQLITE_ROW) {
        const char *id = text_of(w.stmt, 0);
        if (id && job_id_possible(id))
            each(arg, id, sqlite3_column_int64(w.stmt, 1));
    }
    return walk_over(&w, rc, &f);
}

/* ---- content ---- */

static struct job *restore(sqlite3_stmt *row, const char *id, struct err *err)
{
    const char *times = text_of(row, 3);
    const struct job_record record = {
        .id = id,
        .body = sqlite3_column_blob(row, 4),
        .len = (size_t)sqlite3_column_bytes(row, 4),
        .times = times ? times : "",
        .mtime_ns = sqlite3_column_int64(row, 1),
        .ctime_ns = sqlite3_column_int64(row, 2),
        .partial = sqlite3_column_int(row, 0) != 0,
    };
    if (record.body)
        return job_restore(&record, err);
    err_set(err, "there is no content of %s in the store", id);
    return NULL;
}

static struct job *load(struct store_db *d, sqlite3_stmt *stmt, const char *id,
                        const struct store_fault *f)
{
    *f->why = STORE_FINE;
    switch (sqlite3_step(stmt)) {
    case SQLITE_ROW:
        return restore(stmt, id, f->err);
    case SQLITE_DONE:
        err_set(f->err, "%s is not in the store", id);
        return NULL;
    default:
        store_db_fault(d, "read a job", f);
        return NULL;
    }
}

struct job *store_load(struct store *s, const char *id, enum store_trouble *why, struct err *err)
{
    const struct store_fault f = {why, err};
    LOCK_SCOPE(&s->read_lock);
    sqlite3_stmt *stmt = store_sql(&s->reading, SQL_LOAD);
    if (!stmt) {
        store_db_fault(&s->reading, "read a job", &f);
        return NULL;
    }
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    struct job *job = load(&s->reading, stmt, id, &f);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return job;
}
