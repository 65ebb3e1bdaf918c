#include "cache/store_private.h"

/* What JSON's readers can hold is 2^53; a number that is near it was never given. */
#define NUMBER_MAX ((int64_t)1 << 53)

/* The least number that nobody has had. */
static int next_number(struct store_db *d, int64_t *next, const struct store_fault *f)
{
    sqlite3_stmt *stmt = store_sql(d, SQL_NUMBER);
    if (!stmt)
        return store_db_fault(d, "read the number of events", f);
    *next = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    if (store_run(stmt) < 0)
        return store_db_fault(d, "read the number of events", f);
    if (*next >= 0 && *next <= NUMBER_MAX)
        return 0;
    return store_fault(f, STORE_CORRUPT, "the number of events in the store makes no sense");
}

static int put_number(struct store_db *d, int64_t next, const struct store_fault *f)
{
    sqlite3_stmt *stmt = store_sql(d, SQL_PUT_NUMBER);
    if (!stmt)
        return store_db_fault(d, "reserve numbers of events", f);
    sqlite3_bind_int64(stmt, 1, next);
    if (store_run(stmt) < 0 || store_do(d, SQL_COMMIT) < 0)
        return store_db_fault(d, "reserve numbers of events", f);
    return 0;
}

static int reserve(struct store_db *d, uint64_t from, uint64_t n, uint64_t *first,
                   const struct store_fault *f)
{
    int64_t next = 0;
    if (store_do(d, SQL_BEGIN) < 0)
        return store_db_fault(d, "reserve numbers of events", f);
    if (next_number(d, &next, f) < 0)
        return -1;
    if ((uint64_t)next < from)
        next = (int64_t)from;
    *first = (uint64_t)next;
    return put_number(d, next + (int64_t)n, f);
}

int store_reserve(struct store *s, uint64_t from, uint64_t n, uint64_t *first,
                  enum store_trouble *why, struct err *err)
{
    const struct store_fault f = {why, err};
    if (!s->writable)
        return store_fault_unwritable(s, &f);
    if (from > NUMBER_MAX - n || n > NUMBER_MAX)
        return store_fault(&f, STORE_IO, "there are no numbers of events left");
    LOCK_SCOPE(&s->write_lock);
    /* Rare, and not to be forgotten when power is lost. */
    store_exec(&s->writing, "PRAGMA synchronous = FULL");
    int rc = reserve(&s->writing, from, n, first, &f);
    if (!sqlite3_get_autocommit(s->writing.db))
        store_do(&s->writing, SQL_ROLLBACK);
    store_exec(&s->writing, "PRAGMA synchronous = NORMAL");
    return rc;
}
