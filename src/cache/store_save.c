#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "cache/store_private.h"
#include "job/restore.h"
#include "job/row.h"
#include <errno.h>

/* Where a transaction puts its texts together. */
struct desk {
    struct store_db *db;
    int64_t writer_id;
    int64_t now_ns;
    struct buf times, row;
};

/* ---- one job ---- */

static void bind_facts(sqlite3_stmt *stmt, const struct job_facts *f)
{
    sqlite3_bind_text(stmt, 1, f->id, -1, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 2, f->status);
    sqlite3_bind_int(stmt, 3, f->partial);
    sqlite3_bind_int(stmt, 4, f->duration);
    if (f->create_s != JOB_NO_TIME)
        sqlite3_bind_int64(stmt, 5, f->create_s);
    sqlite3_bind_text(stmt, 6, f->project, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 7, f->mtime_ns);
    sqlite3_bind_int64(stmt, 8, f->ctime_ns);
    sqlite3_bind_int64(stmt, 9, f->row_len);
}

/* A statement with the columns of a job bound; it does not look at those that it has not. */
static sqlite3_stmt *job_sql(const struct desk *d, enum store_sql which,
                             const struct store_job *job)
{
    sqlite3_stmt *stmt = store_sql(d->db, which);
    if (!stmt)
        return NULL;
    bind_facts(stmt, job->facts);
    sqlite3_bind_int64(stmt, 10, job->fetched_real_ns);
    sqlite3_bind_int64(stmt, 11, job->got_real_ns);
    sqlite3_bind_int64(stmt, 12, job->read_real_s);
    sqlite3_bind_int(stmt, 13, job->ended);
    sqlite3_bind_int(stmt, 14, job->gone);
    sqlite3_bind_int64(stmt, 15, d->writer_id);
    if (which != SQL_KNOW)
        sqlite3_bind_int64(stmt, 16, d->now_ns);
    return stmt;
}

/* Somebody else's row stays; that it was read counts all the same. */
static int touch(struct desk *d, const struct store_job *job)
{
    sqlite3_stmt *stmt = store_sql(d->db, SQL_TOUCH);
    if (!stmt)
        return -1;
    sqlite3_bind_text(stmt, 1, job->facts->id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, job->read_real_s);
    return store_run(stmt);
}

static int put_reply(struct desk *d, int64_t number, const struct job_record *r)
{
    sqlite3_stmt *stmt = store_sql(d->db, SQL_PUT_REPLY);
    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, number);
    sqlite3_bind_text64(stmt, 2, buf_str(&d->times), d->times.len, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_blob64(stmt, 3, r->body, r->len, SQLITE_STATIC);
    return store_run(stmt);
}

static int put_line(struct desk *d, const char *id)
{
    sqlite3_stmt *stmt = store_sql(d->db, SQL_PUT_LINE);
    if (!stmt)
        return -1;
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text64(stmt, 2, buf_str(&d->row), d->row.len, SQLITE_STATIC, SQLITE_UTF8);
    return store_run(stmt);
}

/* 1: it is put, *number is the row's; 0: somebody else's is there and stays; -1. */
static int put_facts(struct desk *d, const struct store_job *job, int64_t *number)
{
    sqlite3_stmt *stmt = job_sql(d, SQL_PUT, job);
    if (!stmt)
        return -1;
    bool put = sqlite3_step(stmt) == SQLITE_ROW;
    if (put)
        *number = sqlite3_column_int64(stmt, 0);
    return store_run(stmt) < 0 ? -1 : put;
}

static int put_whole(struct desk *d, const struct store_job *job, const struct job_record *r)
{
    int64_t number;
    int put = put_facts(d, job, &number);
    if (put <= 0)
        return put < 0 ? -1 : touch(d, job);
    return put_reply(d, number, r) < 0 || put_line(d, job->facts->id) < 0 ? -1 : 0;
}

/* Content that is stored already, or is nowhere. */
static int put_rest(struct desk *d, const struct store_job *job)
{
    sqlite3_stmt *stmt = job_sql(d, SQL_RENEW, job);
    if (!stmt || store_run(stmt) < 0)
        return -1;
    if (sqlite3_changes(d->db->db) > 0)
        return 0;
    stmt = job_sql(d, SQL_KNOW, job);
    return stmt && store_run(stmt) == 0 ? 0 : -1;
}

/* 0; 1 without memory; -1 for the database. */
static int put(struct desk *d, const struct store_put *p)
{
    struct job_record record;
    if (!p->content)
        return put_rest(d, &p->job);
    buf_reset(&d->times);
    buf_reset(&d->row);
    if (job_record(p->content, &d->times, &record) == 0 && job_row(p->content, &d->row) == 0)
        return put_whole(d, &p->job, &record);
    return errno == ENOMEM ? 1 : put_rest(d, &p->job);
}

/* ---- the rest ---- */

static int forget_one(struct desk *d, enum store_sql which, const char *id)
{
    sqlite3_stmt *stmt = store_sql(d->db, which);
    if (!stmt)
        return -1;
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    return store_run(stmt);
}

static int forget(struct desk *d, const char *id)
{
    return forget_one(d, SQL_FORGET_REPLY, id) < 0 || forget_one(d, SQL_FORGET_LINE, id) < 0 ||
                   forget_one(d, SQL_FORGET, id) < 0
               ? -1
               : 0;
}

/* Whether somebody has read it since. -1 for the database. */
static int read_since(struct desk *d, const char *id, int64_t since_s)
{
    sqlite3_stmt *stmt = since_s > 0 ? store_sql(d->db, SQL_READ_SINCE) : NULL;
    if (!stmt)
        return since_s > 0 ? -1 : 0;
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, since_s);
    bool since = sqlite3_step(stmt) == SQLITE_ROW;
    return store_run(stmt) < 0 ? -1 : since;
}

static int forget_all(struct desk *d, const struct store_batch *b)
{
    for (size_t i = 0; i < b->n_forget; i++) {
        int since = read_since(d, b->forget[i], b->forget_unread_s);
        if (since < 0 || (!since && forget(d, b->forget[i]) < 0))
            return -1;
    }
    return 0;
}

static int put_missing(struct desk *d, const struct store_batch *b)
{
    if (b->missing && store_do(d->db, SQL_CLEAR_MISSING) < 0)
        return -1;
    for (size_t i = 0; b->missing && i < b->n_missing; i++) {
        sqlite3_stmt *stmt = store_sql(d->db, SQL_PUT_MISSING);
        if (!stmt)
            return -1;
        sqlite3_bind_text(stmt, 1, b->missing[i].id, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 2, b->missing[i].until_real_ms);
        if (store_run(stmt) < 0)
            return -1;
    }
    return 0;
}

/* ---- the transaction ---- */

/* 0; 1 without memory; -1 for the database. */
static int save(struct desk *d, const struct store_batch *b)
{
    if (forget_all(d, b) < 0)
        return -1;
    for (size_t i = 0; i < b->n_puts; i++) {
        int rc = put(d, &b->puts[i]);
        if (rc != 0)
            return rc;
    }
    return put_missing(d, b) < 0 || store_do(d->db, SQL_COMMIT) < 0 ? -1 : 0;
}

/* As if nothing had been begun. */
static int give_up(struct desk *d, int rc, const struct store_fault *f)
{
    if (rc > 0)
        store_fault(f, STORE_NOMEM, "no memory to save jobs");
    else
        store_db_fault(d->db, "save jobs", f);
    if (!sqlite3_get_autocommit(d->db->db))
        store_do(d->db, SQL_ROLLBACK);
    return -1;
}

int store_save(struct store *s, const struct store_batch *batch, enum store_trouble *why,
               struct err *err)
{
    const struct store_fault f = {why, err};
    if (!s->writable)
        return store_fault_unwritable(s, &f);
    LOCK_SCOPE(&s->write_lock);
    struct desk d = {.db = &s->writing,
                     .writer_id = s->writer_id,
                     .now_ns = clock_real_ns(),
                     .times = BUF_INIT(JOB_REPLY_MAX),
                     .row = BUF_INIT(4 * JOB_REPLY_MAX)};
    int rc = store_do(d.db, SQL_BEGIN) < 0 ? -1 : save(&d, batch);
    if (rc != 0)
        give_up(&d, rc, &f);
    buf_free(&d.times);
    buf_free(&d.row);
    return rc == 0 ? 0 : -1;
}
