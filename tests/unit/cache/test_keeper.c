/* What the cache knows outlives it; whatever the disk does, it goes on, and nothing is lost. */
#include "base/log.h"
#include "cache/cache.h"
#include "cache/keeper_private.h"
#include "cache/kept.h"
#include "support/alloc_fail.h"
#include "support/bad_vfs.h"
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>

#define WAIT_MS 30000 /* for what comes in much less, on a machine that is not busy */

struct world {
    struct cache *c;
    struct keeper *k;
};

static struct keeper_config as_usual(void)
{
    return (struct keeper_config){.path = kept_path, .keep_ms = INT64_MAX};
}

static void world_open_idle(struct world *w, struct keeper_config config, size_t size_max)
{
    const struct cache_config cache = {.ttl_ms = 10000,
                                       .patience_ms = 1000,
                                       .ttl_missing_ms = 30000,
                                       .timeout_ms = 10000,
                                       .size_max = size_max};
    struct err err = {""};
    w->c = cache_new(&cache, &err);
    assert_non_null(w->c);
    config.cache = w->c;
    w->k = keeper_new(&config, &err);
    if (!w->k)
        fail_msg("%s", err.text);
}

static void world_open_with(struct world *w, struct keeper_config config, size_t size_max)
{
    struct err err = {""};
    world_open_idle(w, config, size_max);
    assert_int_equal(keeper_start(w->k, &err), 0);
}

static void world_open(struct world *w)
{
    world_open_with(w, as_usual(), 0);
}

static void world_close(struct world *w)
{
    keeper_stop(w->k, WAIT_MS);
    keeper_free(w->k);
    cache_shutdown(w->c, EIO);
    cache_free(w->c);
}

/* ---- jobs ---- */

static uint64_t key_of(struct world *w, const char *id)
{
    uint64_t key = 0;
    struct cache_answer a;
    struct job_facts *facts = NULL;
    cache_lookup(w->c, id, clock_mono_ms(), &key, &facts, &a);
    job_facts_unref(facts);
    assert_int_not_equal(key, 0);
    return key;
}

static void put(struct world *w, const char *id, const char *status, int progress)
{
    char members[128], taken[JOB_ID_MAX + 1];
    uint64_t key = key_of(w, id), wanted;
    snprintf(members, sizeof members, ",\"Status\":\"%s\",\"Progress\":%d", status, progress);
    while (cache_take_wanted(w->c, &wanted, taken))
        ;
    struct job *before = cache_newest(w->c, key);
    struct job *job = kept_job(id, members, before, clock_real_ns());
    cache_put_job(w->c, key, job, clock_mono_ms(), clock_real_ns());
    job_unref(before);
    job_unref(job);
}

/* What a reader sees; -1 for no content. */
static int progress_of(struct world *w, const char *id)
{
    uint64_t key = 0;
    struct job_facts *facts = cache_find(w->c, id, &key);
    struct job *job = facts ? cache_current(w->c, key) : NULL;
    const struct job_field *f = job ? job_find(job, "progress") : NULL;
    int progress = f ? (int)strtol(f->data, NULL, 10) : -1;
    job_unref(job);
    job_facts_unref(facts);
    return progress;
}

static bool is_known(struct world *w, const char *id)
{
    uint64_t key;
    struct job_facts *facts = cache_find(w->c, id, &key);
    job_facts_unref(facts);
    return facts != NULL;
}

static size_t n_known(struct world *w)
{
    struct cache_row *rows;
    size_t n;
    assert_int_equal(cache_list(w->c, &rows, &n), 0);
    cache_list_free(rows, n);
    return n;
}

/* ---- waiting ---- */

static struct keeper_health health(struct world *w)
{
    struct keeper_health h;
    keeper_health(w->k, &h);
    return h;
}

#define WAIT_UNTIL(condition)                                                                      \
    do {                                                                                           \
        int64_t wait_end_ = clock_mono_ms() + WAIT_MS;                                             \
        while (!(condition)) {                                                                     \
            if (clock_mono_ms() > wait_end_)                                                       \
                fail_msg("this did not come: %s", #condition);                                     \
            usleep(2000);                                                                          \
        }                                                                                          \
    } while (0)

static void wait_until_saved(struct world *w)
{
    WAIT_UNTIL(health(w).unsaved == 0);
}

/* ---- the log ---- */

static int log_fd = -1, stderr_fd = -1;

static void log_begin(void)
{
    char path[160];
    snprintf(path, sizeof path, "%s/log", kept_dir);
    fflush(stderr);
    log_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    stderr_fd = dup(STDERR_FILENO);
    assert_true(log_fd >= 0 && stderr_fd >= 0);
    dup2(log_fd, STDERR_FILENO);
}

static void log_end(void)
{
    if (stderr_fd < 0)
        return;
    dup2(stderr_fd, STDERR_FILENO);
    close(stderr_fd);
    close(log_fd);
    stderr_fd = log_fd = -1;
}

static int log_count(const char *words)
{
    static char text[65536];
    int n = 0;
    ssize_t len = pread(log_fd, text, sizeof text - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    for (const char *at = text; (at = strstr(at, words)); at++)
        n++;
    return n;
}

static int set_up(void **state)
{
    if (kept_set_up(state) < 0)
        return -1;
    log_begin();
    return 0;
}

static int tear_down(void **state)
{
    log_end();
    bad_vfs_fail(BAD_NOTHING, 0);
    return kept_tear_down(state);
}

/* ---- what is known outlives the cache ---- */

static void after_a_restart_everything_is_there_before_the_first_call(void **state)
{
    (void)state;
    struct world w;
    uint64_t key, found;
    world_open(&w);
    put(&w, "finished-job", "Success", 100);
    put(&w, "unfinished-job", "Processing", 30);
    put(&w, "forgotten-by-the-service", "Success", 99);
    cache_put_missing(w.c, key_of(&w, "forgotten-by-the-service"), clock_mono_ms());
    struct job *item = kept_item("job-of-a-list", ",\"Status\":\"Queuing\"");
    assert_true(cache_discover(w.c, item, clock_mono_ms(), clock_real_ns(), &key));
    cache_put_missing(w.c, key_of(&w, "missing-job"), clock_mono_ms());
    struct job *before = cache_current(w.c, key_of(&w, "unfinished-job"));
    world_close(&w);

    world_open_idle(&w, as_usual(), 0);
    struct cache_info info;
    struct cache_answer a;
    assert_int_equal(n_known(&w), 4);
    struct job *after = cache_current(w.c, key_of(&w, "unfinished-job"));
    assert_same_job(after, before);
    assert_int_equal(progress_of(&w, "finished-job"), 100);
    assert_true(
        cache_info(w.c, key_of(&w, "finished-job"), CACHE_NEED_GET, clock_mono_ms(), &info));
    assert_true(info.fetched_real_ns > 0 && !info.stale && !info.gone);
    assert_true(
        cache_info(w.c, key_of(&w, "unfinished-job"), CACHE_NEED_GET, clock_mono_ms(), &info));
    assert_true(info.stale);
    assert_true(cache_info(w.c, key_of(&w, "forgotten-by-the-service"), CACHE_NEED_GET,
                           clock_mono_ms(), &info));
    assert_true(info.gone);
    job_unref(after);
    after = cache_current(w.c, key_of(&w, "job-of-a-list"));
    assert_same_job(after, item);
    struct job_facts *facts = NULL;
    assert_int_equal(cache_lookup(w.c, "missing-job", clock_mono_ms(), &found, &facts, &a),
                     CACHE_MISSING);
    job_unref(after);
    job_unref(before);
    job_unref(item);
    world_close(&w);
}

static void content_that_left_memory_comes_back(void **state)
{
    (void)state;
    struct world w;
    world_open_with(&w, as_usual(), 1);
    for (unsigned i = 0; i < 1000; i++)
        put(&w, kept_id(i), "Success", (int)(i % 100));
    wait_until_saved(&w);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(progress_of(&w, kept_id(i)), (int)(i % 100));
    world_close(&w);
    world_open_with(&w, as_usual(), 1);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(progress_of(&w, kept_id(i)), (int)(i % 100));
    world_close(&w);
}

static void count_row(void *arg, const char *row, size_t len)
{
    assert_true(len > 0 && row[len - 1] == '\n');
    ++*(int *)arg;
}

static void lines_of_what_left_memory_come_from_the_store(void **state)
{
    (void)state;
    struct world w;
    uint64_t generation;
    int n = 0;
    struct err err = {""};
    world_open(&w);
    for (unsigned i = 0; i < 100; i++)
        put(&w, kept_id(i), "Success", 100);
    world_close(&w);
    world_open(&w);
    put(&w, kept_id(200), "Processing", 1);
    assert_int_equal(cache_each_row(w.c, count_row, &n, &generation, &err), 0);
    assert_int_equal(n, 101);
    world_close(&w);
}

static void what_changes_is_saved_without_being_asked(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    assert_true(health(&w).saved_real_ns == 0);
    put(&w, "job-number-1", "Processing", 10);
    wait_until_saved(&w);
    struct keeper_health h = health(&w);
    assert_true(h.kept && h.trouble == STORE_FINE && h.saved_real_ns > 0);
    assert_string_equal(h.error, "");
    assert_true(kept_number(kept_path, "SELECT count(*) FROM reply") == 1);
    put(&w, "job-number-1", "Success", 100);
    WAIT_UNTIL(kept_number(kept_path, "SELECT max(ended) FROM job") == 1);
    world_close(&w);
}

static void without_a_path_nothing_is_kept(void **state)
{
    (void)state;
    struct world w;
    struct keeper_config config = as_usual();
    config.path = NULL;
    world_open_with(&w, config, 0);
    put(&w, "job-number-1", "Processing", 10);
    struct keeper_health h = health(&w);
    assert_true(!h.kept && h.trouble == STORE_FINE && h.unsaved == 0);
    assert_true(keeper_first_number(w.k) > 1600000000000000);
    world_close(&w);
    assert_int_equal(access(kept_path, F_OK), -1);
}

static void two_may_share_a_database(void **state)
{
    (void)state;
    struct world a, b;
    world_open(&a);
    world_open(&b);
    assert_true(keeper_first_number(b.k) >= keeper_first_number(a.k) + KEEPER_AHEAD);
    put(&a, "job-of-both", "Processing", 10);
    put(&a, "job-of-the-one", "Processing", 20);
    wait_until_saved(&a);
    put(&b, "job-of-both", "Processing", 50);
    put(&b, "job-of-the-other", "Processing", 30);
    wait_until_saved(&b);
    world_close(&a);
    world_close(&b);
    world_open(&a);
    assert_int_equal(progress_of(&a, "job-of-both"), 50);
    assert_int_equal(progress_of(&a, "job-of-the-one"), 20);
    assert_int_equal(progress_of(&a, "job-of-the-other"), 30);
    world_close(&a);
}

/* ---- numbers ---- */

static void numbers_never_go_back_over_restarts(void **state)
{
    (void)state;
    struct world w;
    uint64_t used = 0;
    for (int i = 0; i < 5; i++) {
        world_open(&w);
        assert_true(keeper_first_number(w.k) > used);
        used = keeper_first_number(w.k) + 1000;
        keeper_used(w.k, used);
        world_close(&w);
    }
}

static void numbers_never_go_back_though_the_clock_was_set_back(void **state)
{
    (void)state;
    struct world w;
    enum store_trouble why;
    uint64_t seen, future = (uint64_t)clock_real_ns() / 1000 + UINT64_C(86400000000);
    struct store *s = kept_open();
    assert_int_equal(store_reserve(s, future, KEEPER_AHEAD, &seen, &why, NULL), 0);
    store_close(s);
    world_open(&w);
    assert_true(keeper_first_number(w.k) >= future + KEEPER_AHEAD);
    world_close(&w);
}

static void more_numbers_are_reserved_before_those_are_used_up(void **state)
{
    (void)state;
    struct world w;
    static const char next[] = "SELECT value FROM meta WHERE name = 'next_number'";
    world_open(&w);
    uint64_t first = keeper_first_number(w.k);
    assert_true(kept_number(kept_path, next) == (int64_t)(first + KEEPER_AHEAD));
    for (uint64_t n = 1; n <= 4; n++) {
        uint64_t used = first + n * (KEEPER_AHEAD * 3 / 4);
        keeper_used(w.k, used);
        put(&w, "job-number-1", "Processing", (int)n);
        WAIT_UNTIL(kept_number(kept_path, next) >= (int64_t)(used + KEEPER_AHEAD / 2));
    }
    world_close(&w);
}

/* ---- forgetting ---- */

static void store_finished(const char *id, int64_t read_real_s, const char *status)
{
    char members[64];
    snprintf(members, sizeof members, ",\"Status\":\"%s\"", status);
    struct store *s = kept_open();
    struct job *job = kept_job(id, members, NULL, NOW_NS);
    struct store_put row = kept_put(job, NOW_NS);
    row.job.read_real_s = read_real_s;
    row.job.ended = job_final(job);
    kept_save(s, row);
    job_unref(job);
    store_close(s);
}

static void finished_jobs_that_nobody_reads_are_forgotten(void **state)
{
    (void)state;
    struct world w;
    struct keeper_config config = as_usual();
    int64_t now_s = clock_real_ns() / NS_PER_S;
    store_finished("read-long-ago", now_s - 7200, "Success");
    store_finished("read-of-late", now_s - 60, "Failed");
    store_finished("read-in-the-future", now_s + 86400, "Success");
    store_finished("unfinished-job", now_s - 7200, "Processing");
    config.keep_ms = 3600000;
    world_open_with(&w, config, 0);
    WAIT_UNTIL(!is_known(&w, "read-long-ago"));
    WAIT_UNTIL(kept_number(kept_path, "SELECT count(*) FROM job") == 3);
    assert_true(kept_number(kept_path, "SELECT count(*) FROM reply") == 3);
    assert_true(is_known(&w, "read-of-late"));
    assert_true(is_known(&w, "read-in-the-future"));
    assert_true(is_known(&w, "unfinished-job"));
    world_close(&w);
    world_open(&w);
    assert_int_equal(n_known(&w), 3);
    world_close(&w);
}

static void a_short_keep_is_kept_to(void **state)
{
    (void)state;
    struct world w;
    struct keeper_config config = as_usual();
    config.keep_ms = 500;
    world_open_with(&w, config, 0);
    int64_t start = clock_mono_ms();
    put(&w, "finished-job", "Success", 100);
    WAIT_UNTIL(!is_known(&w, "finished-job"));
    assert_true(clock_mono_ms() - start >= 500);
    WAIT_UNTIL(kept_number(kept_path, "SELECT count(*) FROM job") == 0);
    put(&w, "finished-job", "Processing", 50); /* known again */
    WAIT_UNTIL(kept_number(kept_path, "SELECT count(*) FROM reply") == 1);
    world_close(&w);
}

/* ---- trouble ---- */

static void assert_trouble_and_back(enum bad_kind kind, enum store_trouble as)
{
    struct world w;
    struct keeper_config config = as_usual();
    config.vfs = bad_vfs();
    world_open_with(&w, config, 0);
    put(&w, "job-number-1", "Processing", 10);
    wait_until_saved(&w);
    bad_vfs_fail(kind, 0);
    put(&w, "job-number-1", "Processing", 20);
    put(&w, "job-number-2", "Success", 100);
    WAIT_UNTIL(health(&w).trouble == as);
    assert_true(strstr(health(&w).error, kept_path));
    assert_int_equal(health(&w).unsaved, 2);
    unsigned failed = bad_vfs_failed();
    WAIT_UNTIL(bad_vfs_failed() > failed); /* it is tried again */
    put(&w, "job-number-3", "Success", 100);
    assert_int_equal(progress_of(&w, "job-number-1"), 20); /* readers are served */
    assert_int_equal(log_count("nothing can be saved"), 1);
    bad_vfs_fail(BAD_NOTHING, 0);
    wait_until_saved(&w);
    WAIT_UNTIL(health(&w).trouble == STORE_FINE);
    assert_int_equal(log_count("nothing can be saved"), 1);
    WAIT_UNTIL(log_count("the store works again") == 1); /* said after it is so */
    world_close(&w);
    world_open(&w);
    assert_int_equal(progress_of(&w, "job-number-1"), 20);
    assert_int_equal(n_known(&w), 3);
    world_close(&w);
}

static void a_full_disk_is_said_once_and_all_is_saved_later(void **state)
{
    (void)state;
    assert_trouble_and_back(BAD_FULL, STORE_FULL);
}

static void a_disk_that_fails_is_said_once_and_all_is_saved_later(void **state)
{
    (void)state;
    assert_trouble_and_back(BAD_WRITE, STORE_IO);
}

static void what_left_memory_can_be_read_again_when_the_disk_can(void **state)
{
    (void)state;
    struct world w;
    struct keeper_config config = as_usual();
    config.vfs = bad_vfs();
    world_open_with(&w, config, 0);
    put(&w, "job-number-1", "Success", 100);
    world_close(&w);
    world_open_with(&w, config, 0);
    bad_vfs_fail(BAD_READ, 0);
    assert_int_equal(progress_of(&w, "job-number-1"), -1);
    assert_int_equal(health(&w).trouble, STORE_IO);
    assert_int_equal(log_count("what left memory cannot be read"), 1);
    bad_vfs_fail(BAD_NOTHING, 0);
    assert_int_equal(progress_of(&w, "job-number-1"), 100);
    assert_int_equal(health(&w).trouble, STORE_FINE);
    world_close(&w);
}

static void a_store_that_opens_later_is_restored_then(void **state)
{
    (void)state;
    struct world w;
    char away[128];
    store_finished("stored-before", 1, "Success");
    store_finished("job-of-both", 1, "Processing");
    snprintf(away, sizeof away, "%s-away", kept_dir);
    assert_int_equal(rename(kept_dir, away), 0);
    world_open(&w);
    assert_int_equal(health(&w).trouble, STORE_IO);
    assert_int_equal(n_known(&w), 0);
    assert_true(keeper_first_number(w.k) > 1600000000000000);
    put(&w, "job-of-both", "Processing", 77);
    put(&w, "job-of-memory", "Processing", 10);
    assert_int_equal(rename(away, kept_dir), 0);
    WAIT_UNTIL(is_known(&w, "stored-before"));
    wait_until_saved(&w);
    assert_int_equal(progress_of(&w, "job-of-both"), 77);
    world_close(&w);
    world_open(&w);
    assert_int_equal(n_known(&w), 3);
    assert_int_equal(progress_of(&w, "job-of-both"), 77);
    world_close(&w);
}

static sqlite3 *lock_database(const char *how)
{
    sqlite3 *other;
    assert_int_equal(sqlite3_open(kept_path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, how, NULL, NULL, NULL), SQLITE_OK);
    return other;
}

static void a_locked_database_is_waited_for_without_readers(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    sqlite3 *other = lock_database("BEGIN IMMEDIATE");
    put(&w, "job-number-1", "Processing", 10);
    WAIT_UNTIL(health(&w).trouble == STORE_BUSY);
    assert_int_equal(progress_of(&w, "job-number-1"), 10);
    sqlite3_close(other);
    wait_until_saved(&w);
    WAIT_UNTIL(health(&w).trouble == STORE_FINE);
    world_close(&w);
}

static void the_end_comes_in_time_though_the_database_is_locked(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    sqlite3 *other = lock_database("BEGIN IMMEDIATE");
    put(&w, "job-number-1", "Processing", 10);
    int64_t start = clock_mono_ms();
    keeper_stop(w.k, 100);
    assert_true(clock_mono_ms() - start < 3000);
    assert_int_equal(log_count("not saved at the end jobs=1"), 1);
    assert_int_equal(progress_of(&w, "job-number-1"), 10);
    sqlite3_close(other);
    world_close(&w);
}

static void what_is_not_saved_yet_is_saved_at_the_end(void **state)
{
    (void)state;
    struct world w;
    world_open_idle(&w, as_usual(), 0); /* no thread saves anything */
    for (unsigned i = 0; i < 2000; i++)
        put(&w, kept_id(i), "Processing", 10);
    keeper_stop(w.k, WAIT_MS);
    assert_int_equal(health(&w).unsaved, 0);
    world_close(&w);
    assert_true(kept_number(kept_path, "SELECT count(*) FROM reply") == 2000);
}

static void a_database_damaged_in_mid_run_is_set_aside_and_memory_saved_anew(void **state)
{
    (void)state;
    struct world w;
    char aside[PATH_MAX];
    world_open(&w);
    for (unsigned i = 0; i < 500; i++)
        put(&w, kept_id(i), "Success", 100);
    world_close(&w);
    world_open(&w);
    put(&w, "job-in-memory", "Processing", 42);
    wait_until_saved(&w);
    kept_damage(kept_path, 4096);
    assert_int_equal(progress_of(&w, kept_id(7)), -1);
    WAIT_UNTIL(log_count("set aside file=") == 1);
    wait_until_saved(&w);
    WAIT_UNTIL(health(&w).trouble == STORE_FINE);
    assert_true(kept_number(kept_path, "PRAGMA user_version") == STORE_VERSION);
    assert_true(kept_number(kept_path, "SELECT count(*) FROM job") == 501);
    assert_int_equal(progress_of(&w, "job-in-memory"), 42);
    assert_int_equal(kept_count("known.db.corrupt-", aside, sizeof aside) > 0, true);
    world_close(&w);
    world_open(&w);
    assert_int_equal(n_known(&w), 501);
    assert_int_equal(progress_of(&w, "job-in-memory"), 42);
    world_close(&w);
}

static void what_is_no_database_is_set_aside_at_the_start(void **state)
{
    (void)state;
    struct world w;
    char aside[PATH_MAX], text[16] = "";
    CLEANUP_FD int fd = open(kept_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (int i = 0; i < 100; i++)
        assert_int_equal(write(fd, "no database", 11), 11);
    world_open(&w);
    assert_int_equal(health(&w).trouble, STORE_FINE);
    assert_int_equal(kept_count("known.db.corrupt-", aside, sizeof aside), 1);
    CLEANUP_FD int aside_fd = open(aside, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(aside_fd, text, 11), 11);
    assert_string_equal(text, "no database");
    put(&w, "job-number-1", "Processing", 10);
    wait_until_saved(&w);
    world_close(&w);
    assert_true(kept_number(kept_path, "SELECT count(*) FROM job") == 1);
}

static void databases_are_not_set_aside_one_after_the_other(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    for (int i = 0; i < 2; i++) {
        put(&w, "job-number-1", "Processing", 10 + i);
        wait_until_saved(&w);
        kept_sql(kept_path, "DROP TABLE reply");
        put(&w, "job-number-1", "Processing", 20 + i);
        if (i == 0) {
            WAIT_UNTIL(log_count("set aside file=") == 1);
            wait_until_saved(&w);
        }
    }
    WAIT_UNTIL(health(&w).trouble == STORE_CORRUPT);
    assert_int_equal(log_count("set aside file="), 1);
    assert_int_equal(progress_of(&w, "job-number-1"), 21);
    world_close(&w);
}

static void a_newer_version_is_left_alone(void **state)
{
    (void)state;
    struct world w;
    store_finished("stored-before", 1, "Success");
    kept_sql(kept_path, "PRAGMA user_version = 99");
    world_open(&w);
    assert_int_equal(health(&w).trouble, STORE_NEWER);
    assert_non_null(strstr(health(&w).error, "newer version"));
    put(&w, "job-number-1", "Processing", 10);
    assert_int_equal(progress_of(&w, "job-number-1"), 10);
    world_close(&w);
    assert_int_equal(kept_count("known.db.corrupt-", NULL, 0), 0);
    assert_true(kept_number(kept_path, "PRAGMA user_version") == 99);
    assert_true(kept_number(kept_path, "SELECT count(*) FROM job") == 1);
}

static void a_database_that_is_gone_is_begun_anew(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    put(&w, "job-number-1", "Processing", 10);
    wait_until_saved(&w);
    unlink(kept_path);
    put(&w, "job-number-2", "Processing", 20);
    WAIT_UNTIL(access(kept_path, F_OK) == 0);
    wait_until_saved(&w);
    world_close(&w);
    world_open(&w);
    assert_int_equal(n_known(&w), 2);
    world_close(&w);
}

/* ---- what cannot be written ---- */

#define CHECK_UNTIL(condition, number)                                                             \
    do {                                                                                           \
        int64_t check_end_ = clock_mono_ms() + WAIT_MS;                                            \
        while (!(condition)) {                                                                     \
            if (clock_mono_ms() > check_end_)                                                      \
                return number;                                                                     \
            usleep(2000);                                                                          \
        }                                                                                          \
    } while (0)

static int check_directory_that_can_be_written_later(void)
{
    struct world w;
    world_open(&w);
    if (health(&w).trouble != STORE_READONLY || !is_known(&w, "stored-before"))
        return 1;
    uint64_t key = key_of(&w, "stored-before");
    struct job *job = cache_current(w.c, key);
    if (!job)
        return 2;
    job_unref(job);
    put(&w, "job-number-1", "Processing", 10);
    if (health(&w).unsaved != 1)
        return 3;
    chmod(kept_dir, 0700);
    CHECK_UNTIL(health(&w).unsaved == 0, 4);
    CHECK_UNTIL(health(&w).trouble == STORE_FINE, 5);
    world_close(&w);
    return 0;
}

static void a_directory_that_can_be_written_later_is_read_till_then(void **state)
{
    (void)state;
    store_finished("stored-before", 1, "Success");
    chmod(kept_dir, 0500);
    as_nobody(check_directory_that_can_be_written_later);
    assert_true(kept_number(kept_path, "SELECT count(*) FROM job") == 2);
}

/* ---- a disk that is small ---- */

#define NO_MOUNTS 77

/* In a mount namespace of its own. */
static int check_small_disk(void)
{
    struct world w;
    if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("small", kept_dir, "tmpfs", MS_NOSUID | MS_NODEV, "size=512k") < 0)
        return NO_MOUNTS;
    world_open(&w);
    for (unsigned i = 0; i < 2000; i++)
        put(&w, kept_id(i), "Success", 50);
    CHECK_UNTIL(health(&w).trouble == STORE_FULL, 1);
    for (unsigned i = 0; i < 2000; i++)
        if (progress_of(&w, kept_id(i)) != 50)
            return 2;
    if (mount("small", kept_dir, "tmpfs", MS_REMOUNT | MS_NOSUID | MS_NODEV, "size=64m") < 0)
        return NO_MOUNTS;
    CHECK_UNTIL(health(&w).unsaved == 0, 3);
    CHECK_UNTIL(health(&w).trouble == STORE_FINE, 4);
    world_close(&w);
    world_open(&w);
    if (n_known(&w) != 2000)
        return 5;
    world_close(&w);
    return 0;
}

/* The disk is full before there is a database. */
static int check_full_disk(void)
{
    struct world w;
    char filler[160];
    static char zeros[65536];
    if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("small", kept_dir, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k") < 0)
        return NO_MOUNTS;
    snprintf(filler, sizeof filler, "%s/filler", kept_dir);
    CLEANUP_FD int fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, zeros, sizeof zeros) > 0)
        ;
    world_open(&w);
    put(&w, kept_id(1), "Success", 50);
    if (health(&w).trouble != STORE_FULL || progress_of(&w, kept_id(1)) != 50)
        return 1;
    if (mount("small", kept_dir, "tmpfs", MS_REMOUNT | MS_NOSUID | MS_NODEV, "size=64m") < 0)
        return NO_MOUNTS;
    CHECK_UNTIL(health(&w).unsaved == 0, 2);
    CHECK_UNTIL(health(&w).trouble == STORE_FINE, 3);
    world_close(&w);
    return 0;
}

static void in_a_child(int (*check)(void))
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(check());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_MOUNTS)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_small_disk_fills_up_and_all_is_saved_when_it_grows(void **state)
{
    (void)state;
    in_a_child(check_small_disk);
}

static void a_disk_that_is_full_from_the_start_is_waited_for(void **state)
{
    (void)state;
    in_a_child(check_full_disk);
}

/* ---- all at once ---- */

struct readers {
    struct world *w;
    atomic_bool done;
    atomic_uint wrong, reads;
};

static void *read_on(void *arg)
{
    struct readers *r = arg;
    for (unsigned i = 0; !atomic_load(&r->done); i++) {
        unsigned number = i % 100;
        int progress = progress_of(r->w, kept_id(number));
        /* A disk that fails gives nothing, and never something else. */
        if (progress != (int)number && progress != -1)
            atomic_fetch_add(&r->wrong, 1);
        atomic_fetch_add(&r->reads, 1);
    }
    return NULL;
}

static void readers_are_served_whatever_the_disk_does(void **state)
{
    (void)state;
    struct world w;
    struct keeper_config config = as_usual();
    struct readers r = {.w = &w};
    pthread_t threads[2];
    config.vfs = bad_vfs();
    world_open_with(&w, config, 1);
    for (unsigned i = 0; i < 100; i++)
        put(&w, kept_id(i), "Success", (int)i);
    wait_until_saved(&w);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &r), 0);
    static const enum bad_kind kinds[] = {BAD_WRITE, BAD_READ, BAD_FULL};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        bad_vfs_fail(kinds[i], 3);
        put(&w, kept_id(1000 + (unsigned)i), "Processing", 10);
        WAIT_UNTIL(health(&w).trouble != STORE_FINE);
        bad_vfs_fail(BAD_NOTHING, 0);
        wait_until_saved(&w);
        unsigned before = atomic_load(&r.reads);
        WAIT_UNTIL(atomic_load(&r.reads) > before + 100);
    }
    atomic_store(&r.done, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&r.wrong), 0);
    world_close(&w);
}

static void without_memory_it_says_so_or_works(void **state)
{
    (void)state;
    store_finished("stored-before", 1, "Success");
    for (unsigned n = 1;; n++) {
        const struct cache_config cache = {.ttl_ms = 10000, .timeout_ms = 10000};
        struct keeper_config config = as_usual();
        struct err err = {""};
        config.cache = cache_new(&cache, &err);
        assert_non_null(config.cache);
        alloc_fail_at(n);
        struct keeper *k = keeper_new(&config, &err);
        struct keeper_health h = {.trouble = STORE_NOMEM};
        if (k) {
            keeper_health(k, &h);
            keeper_stop(k, 1000);
        }
        keeper_free(k);
        bool fired = alloc_fail_fired();
        assert_true(fired || (k && h.trouble == STORE_FINE));
        cache_shutdown(config.cache, EIO);
        cache_free(config.cache);
        if (!fired)
            break;
    }
    assert_true(kept_number(kept_path, "SELECT count(*) FROM reply") == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(after_a_restart_everything_is_there_before_the_first_call),
        TEST(content_that_left_memory_comes_back),
        TEST(lines_of_what_left_memory_come_from_the_store),
        TEST(what_changes_is_saved_without_being_asked),
        TEST(without_a_path_nothing_is_kept),
        TEST(two_may_share_a_database),
        TEST(numbers_never_go_back_over_restarts),
        TEST(numbers_never_go_back_though_the_clock_was_set_back),
        TEST(more_numbers_are_reserved_before_those_are_used_up),
        TEST(finished_jobs_that_nobody_reads_are_forgotten),
        TEST(a_short_keep_is_kept_to),
        TEST(a_full_disk_is_said_once_and_all_is_saved_later),
        TEST(a_disk_that_fails_is_said_once_and_all_is_saved_later),
        TEST(what_left_memory_can_be_read_again_when_the_disk_can),
        TEST(a_store_that_opens_later_is_restored_then),
        TEST(a_locked_database_is_waited_for_without_readers),
        TEST(the_end_comes_in_time_though_the_database_is_locked),
        TEST(what_is_not_saved_yet_is_saved_at_the_end),
        TEST(a_database_damaged_in_mid_run_is_set_aside_and_memory_saved_anew),
        TEST(what_is_no_database_is_set_aside_at_the_start),
        TEST(databases_are_not_set_aside_one_after_the_other),
        TEST(a_newer_version_is_left_alone),
        TEST(a_database_that_is_gone_is_begun_anew),
        TEST(a_directory_that_can_be_written_later_is_read_till_then),
        TEST(a_small_disk_fills_up_and_all_is_saved_when_it_grows),
        TEST(a_disk_that_is_full_from_the_start_is_waited_for),
        TEST(readers_are_served_whatever_the_disk_does),
        TEST(without_memory_it_says_so_or_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
