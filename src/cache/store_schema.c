/* The tables. A version's step never changes once it was released; what follows is another step.
 *
 *   job      what starting needs of a job, and nothing more: it is read as a whole
 *   line     its line of jobs.tsv, in the order in which they are read
 *   reply    its content
 *   missing  remembered JobNotFound
 *   meta     the numbers of events
 *
 * Times are as in cache/store.h; `writer` names the store that wrote a row last. */
#include "cache/store_private.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define APPLICATION_ID 0x49634a66 /* "IcJf": which program a database belongs to */

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

const char *const store_schema_steps[STORE_VERSION] = {
    "PRAGMA application_id = " STRING(
        APPLICATION_ID) ";"
                        "CREATE TABLE job ("
                        " number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, status INTEGER NOT "
                        "NULL,"
                        " partial INTEGER NOT NULL, duration INTEGER NOT NULL, create_s INTEGER, "
                        "project TEXT NOT NULL,"
                        " mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, row_len INTEGER "
                        "NOT NULL,"
                        " fetched INTEGER NOT NULL, got INTEGER NOT NULL, read INTEGER NOT NULL,"
                        " ended INTEGER NOT NULL, gone INTEGER NOT NULL, writer INTEGER NOT NULL);"
                        "CREATE TABLE line (id TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;"
                        "CREATE TABLE reply (number INTEGER PRIMARY KEY, times TEXT NOT NULL, body "
                        "BLOB NOT NULL);"
                        "CREATE TABLE missing (id TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) "
                        "WITHOUT ROWID;"
                        "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT "
                        "ROWID;",
};

struct marks {
    int64_t version, application, tables;
};

/* All at one moment: somebody else may be making the tables. */
static int read_marks(struct store_db *d, struct marks *m)
{
    int rc = store_exec(d, "BEGIN");
    if (rc == 0)
        rc = store_pragma(d, "PRAGMA user_version", &m->version);
    if (rc == 0)
        rc = store_pragma(d, "PRAGMA application_id", &m->application);
    if (rc == 0)
        rc = store_pragma(d, "SELECT count(*) FROM sqlite_schema", &m->tables);
    return rc == 0 ? store_exec(d, "COMMIT") : -1;
}

int store_schema_check(struct store_db *d, int64_t *version, const struct store_fault *f)
{
    struct marks m;
    if (read_marks(d, &m) < 0) {
        store_db_fault(d, "read the version", f);
        if (!sqlite3_get_autocommit(d->db))
            store_exec(d, "ROLLBACK");
        return -1;
    }
    bool ours = m.version == 0 ? m.tables == 0 : m.version > 0 && m.application == APPLICATION_ID;
    if (!ours)
        return store_fault(f, STORE_CORRUPT, "%s is another program's database",
                           sqlite3_db_filename(d->db, "main"));
    if (m.version > STORE_VERSION)
        return store_fault(f, STORE_NEWER,
                           "%s was made by a newer version of this program (%" PRId64 ", not %d)",
                           sqlite3_db_filename(d->db, "main"), m.version, STORE_VERSION);
    *version = m.version;
    return 0;
}

static int set_version(struct store_db *d, int64_t version)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %" PRId64, version);
    return store_exec(d, sql);
}

/* The version again, since somebody else may have been quicker; then the steps that are left. */
static int update_locked(struct store_db *d, const char *const *steps, int64_t n)
{
    int64_t version;
    if (store_pragma(d, "PRAGMA user_version", &version) < 0)
        return -1;
    if (version >= n)
        return 0;
    for (int64_t i = version; i < n; i++)
        if (store_exec(d, steps[i]) < 0)
            return -1;
    return set_version(d, n);
}

int store_schema_update(struct store_db *d, const char *const *steps, int64_t n,
                        const struct store_fault *f)
{
    if (store_do(d, SQL_BEGIN) < 0)
        return store_db_fault(d, "begin to make the tables", f);
    if (update_locked(d, steps, n) == 0 && store_do(d, SQL_COMMIT) == 0)
        return 0;
    store_db_fault(d, "make the tables", f);
    if (!sqlite3_get_autocommit(d->db))
        store_do(d, SQL_ROLLBACK);
    return -1;
}
