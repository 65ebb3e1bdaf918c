/* What is found on the disk: in a copy, so that the next program meets the files as they were left.
 */
#include "base/attr.h"
#include "cache/store.h"
#include "crash/seen.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool complain(const char *path, const char *what)
{
    fprintf(stderr, "crash: %s: %s\n", path, what);
    return false;
}

static bool copy(const char *from, const char *to, const char *suffix)
{
    static char bytes[1 << 16];
    char source[PATH_MAX], target[PATH_MAX];
    ssize_t n;
    snprintf(source, sizeof source, "%s%s", from, suffix);
    snprintf(target, sizeof target, "%s%s", to, suffix);
    unlink(target);
    CLEANUP_FD int in = open(source, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return errno == ENOENT || complain(source, strerror(errno));
    CLEANUP_FD int out = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, (size_t)n) != n)
            return complain(target, strerror(errno));
    return n == 0 || complain(source, strerror(errno));
}

static bool is_whole(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    bool whole = sqlite3_open(path, &db) == SQLITE_OK &&
                 sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK &&
                 sqlite3_step(stmt) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
    if (!whole)
        complain(path, stmt && sqlite3_column_text(stmt, 0)
                           ? (const char *)sqlite3_column_text(stmt, 0)
                           : sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return whole;
}

/* The version that both ends of its text tell; 0 for none. */
static uint64_t version_of(const struct job *job)
{
    const struct job_field *f = job_find(job, "user_data.json");
    const char *end = f ? strrchr(f->data, ' ') : NULL;
    uint64_t version = f ? strtoull(f->data, NULL, 10) : 0;
    return end && strtoull(end, NULL, 10) == version ? version : 0;
}

static bool load(struct store *s, uint32_t number, uint64_t *version)
{
    enum store_trouble why;
    struct err err = {""};
    struct job *job = store_load(s, crash_id(number), &why, &err);
    *version = job ? version_of(job) : 0;
    bool good = job ? *version > 0 : why == STORE_FINE && strstr(err.text, "is not in the store");
    job_unref(job);
    return good || complain(crash_id(number), *err.text ? err.text : "its text is torn");
}

static void count(void *arg, const struct store_job *job)
{
    (void)job;
    ++*(size_t *)arg;
}

/* Each job has its content, and each content its job. */
static bool load_all(struct store *s, uint64_t *versions)
{
    enum store_trouble why;
    struct err err = {""};
    size_t n = 0, loaded = 0;
    if (store_each(s, count, &n, &why, &err) < 0)
        return complain("the jobs", err.text);
    for (uint32_t i = 0; i < CRASH_JOBS + CRASH_FINISHED; i++) {
        if (!load(s, i, &versions[i]))
            return false;
        loaded += versions[i] > 0;
    }
    return n == loaded || complain("the jobs", "some have no content");
}

bool crash_versions(const char *path, uint64_t *versions)
{
    char look[PATH_MAX];
    enum store_trouble why;
    struct err err = {""};
    snprintf(look, sizeof look, "%s-look", path);
    if (!copy(path, look, "") || !copy(path, look, "-wal"))
        return false;
    struct store *s = store_open(look, NULL, &why, &err);
    if (!s)
        return complain(store_trouble_name(why), err.text);
    bool good = load_all(s, versions);
    store_close(s);
    return is_whole(look) && good;
}
