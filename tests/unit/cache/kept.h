/* A directory with a database, and jobs to put into it. */
#ifndef TEST_CACHE_KEPT_H
#define TEST_CACHE_KEPT_H

#include "base/attr.h"
#include "base/clock.h"
#include "cache/store.h"
#include "job/name.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define NOW_NS INT64_C(1700000000000000000)

static char kept_dir[64], kept_path[128];

static inline void kept_remove(const char *dir)
{
    struct dirent *e;
    DIR *d = opendir(dir);
    while (d && (e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(dir);
}

static inline int kept_set_up(void **state)
{
    (void)state;
    /* A name that asks for care in URIs. */
    snprintf(kept_dir, sizeof kept_dir, "/tmp/icejobfs-test-a?b%%41#-XXXXXX");
    if (!mkdtemp(kept_dir))
        return -1;
    snprintf(kept_path, sizeof kept_path, "%s/known.db", kept_dir);
    return 0;
}

static inline int kept_tear_down(void **state)
{
    (void)state;
    chmod(kept_dir, 0700);
    kept_remove(kept_dir);
    return 0;
}

/* ---- jobs ---- */

/* The id of a number. */
static inline const char *kept_id(unsigned number)
{
    static _Thread_local char id[33];
    snprintf(id, sizeof id, "%08x000000000000000000000000", number);
    return id;
}

static inline struct job *kept_job(const char *id, const char *members, const struct job *before,
                                   int64_t now_ns)
{
    char body[4096];
    struct err err = {""};
    int len =
        snprintf(body, sizeof body,
                 "{\"RequestId\":\"R-1\",\"MediaProducingJob\":{\"JobId\":\"%s\"%s}}", id, members);
    struct job *job = job_from_get(id, body, (size_t)len, before, now_ns, &err);
    if (!job)
        fail_msg("%s", err.text);
    return job;
}

static inline struct job *kept_item(const char *id, const char *members)
{
    char body[4096];
    struct job_page page;
    int len = snprintf(body, sizeof body,
                       "{\"RequestId\":\"R-2\",\"MaxResults\":\"10\",\"MediaProducingJobList\":"
                       "[{\"JobId\":\"%s\"%s}]}",
                       id, members);
    assert_int_equal(job_page_from_list(body, (size_t)len, NOW_NS, &page, NULL), 0);
    assert_int_equal(page.n, 1);
    struct job *job = job_ref(page.jobs[0]);
    job_page_free(&page);
    return job;
}

/* Every content and every time. */
static inline void assert_same_job(const struct job *a, const struct job *b)
{
    assert_non_null(a);
    assert_string_equal(job_id(a), job_id(b));
    assert_int_equal(job_partial(a), job_partial(b));
    assert_true(job_mtime_ns(a) == job_mtime_ns(b));
    assert_true(job_ctime_ns(a) == job_ctime_ns(b));
    assert_int_equal(job_n_fields(a), job_n_fields(b));
    for (size_t i = 0; i < job_n_fields(a); i++) {
        const struct job_field *x = job_field_at(a, i), *y = job_field_at(b, i);
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->len, y->len);
        assert_memory_equal(x->data, y->data, x->len);
        assert_true(x->mtime_ns == y->mtime_ns);
        assert_true(x->ctime_ns == y->ctime_ns);
    }
}

/* ---- the store ---- */

static inline struct store *kept_open(void)
{
    enum store_trouble why;
    struct err err = {""};
    struct store *s = store_open(kept_path, NULL, &why, &err);
    if (!s)
        fail_msg("%s: %s", store_trouble_name(why), err.text);
    assert_int_equal(why, STORE_FINE);
    assert_true(store_writable(s));
    return s;
}

static inline struct store_put kept_put(const struct job *job, int64_t fetched_ns)
{
    return (struct store_put){.job = {.facts = job_facts_of(job),
                                      .fetched_real_ns = fetched_ns,
                                      .got_real_ns = fetched_ns,
                                      .read_real_s = 1},
                              .content = job};
}

static inline void kept_save_batch(struct store *s, const struct store_batch *b)
{
    enum store_trouble why;
    struct err err = {""};
    if (store_save(s, b, &why, &err) < 0)
        fail_msg("%s: %s", store_trouble_name(why), err.text);
}

static inline void kept_save(struct store *s, struct store_put put)
{
    kept_save_batch(s, &(struct store_batch){.puts = &put, .n_puts = 1});
}

/* A statement on a connection of the test's own. */
static inline void kept_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    char *text = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
        fail_msg("%s: %s", sql, text);
    sqlite3_close(db);
}

static inline int64_t kept_number(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return number;
}

/* Damage: the pages after the first few, so that it opens and nothing can be read. */
static inline void kept_damage(const char *path, off_t from)
{
    char junk[4096];
    struct stat st;
    memset(junk, 0xa5, sizeof junk);
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = from; at < st.st_size; at += (off_t)sizeof junk)
        assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
}

/* Files whose name begins so. */
static inline int kept_count(const char *prefix, char *last, size_t size)
{
    struct dirent *e;
    int n = 0;
    DIR *d = opendir(kept_dir);
    assert_non_null(d);
    while ((e = readdir(d)))
        if (strncmp(e->d_name, prefix, strlen(prefix)) == 0) {
            n++;
            if (last)
                snprintf(last, size, "%s/%s", kept_dir, e->d_name);
        }
    closedir(d);
    return n;
}

/* Run as somebody whom modes stop; what it returns is the child's exit status. */
static inline void as_nobody(int (*check)(void))
{
    int status;
    if (geteuid() == 0) {
        assert_int_equal(chown(kept_dir, 65534, 65534), 0);
        assert_true(chown(kept_path, 65534, 65534) == 0 || errno == ENOENT);
    }
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(100);
        _exit(check());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#endif
