/* jobs.tsv: made when it is wanted, once between two changes; who has opened it keeps what it got.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/thread.h"
#include "fs/tsv.h"
#include "job/row.h"
#include "support/alloc_fail.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cache/fixture.h"

#define NOW     1000
#define LATE_MS 30000
#define OTHER   "0123456789abcdef0123456789abcdef"

static struct bench bench;
static struct tsv *t;

/* The store, as far as lines go: it answers when it is let. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects all below */
static pthread_cond_t changed;
static bool open_gate, at_gate, store_fails;

static struct job *no_content(void *arg, const char *id)
{
    (void)arg, (void)id;
    return NULL;
}

static int stored_rows(void *arg, void (*each)(void *, const char *, const char *, size_t),
                       void *each_arg, struct err *err)
{
    (void)arg;
    LOCK_SCOPE(&lock);
    at_gate = true;
    cond_broadcast(&changed);
    while (!open_gate)
        cond_wait_until(&changed, &lock, clock_mono_ms() + LATE_MS);
    if (store_fails)
        return err_set(err, "the disk is gone");
    each(each_arg, OTHER, "stored line\n", 12);
    return 0;
}

static void wake(void *arg)
{
    (void)arg;
}

static int set_up(void **state)
{
    (void)state;
    cond_init(&changed);
    open_gate = true;
    at_gate = store_fails = false;
    bench_open(&bench);
    const struct cache_backing backing = {
        .load = no_content, .each_row = stored_rows, .wake = wake};
    cache_set_backing(bench.c, &backing);
    t = tsv_new(bench.c, NULL);
    return t ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    tsv_stop(t);
    tsv_free(t);
    bench_close(&bench);
    cond_destroy(&changed);
    return 0;
}

/* A job whose line is in the store. */
static void restore_other(void)
{
    struct job_facts *facts = job_facts_new(&(struct job_facts){.id = OTHER,
                                                                .project = "",
                                                                .create_s = JOB_NO_TIME,
                                                                .row_len = 12,
                                                                .status = JOB_STATUS_SUCCESS});
    const struct cache_restored job = {.facts = facts};
    assert_int_equal(cache_restore(bench.c, &job), 0);
    job_facts_unref(facts);
}

/* Who opens the file. */
struct opener {
    struct tsv_waiter w; /* first */
    struct tsv_version *version;
    int error;
    int answers;
};

static void on_answer(struct tsv_waiter *w, struct tsv_version *v, int error)
{
    struct opener *o = (struct opener *)w;
    LOCK_SCOPE(&lock);
    o->version = v;
    o->error = error;
    o->answers++;
    cond_broadcast(&changed);
}

static enum tsv_opening begin(struct opener *o, int64_t deadline_ms)
{
    *o = (struct opener){.w.answer = on_answer};
    return tsv_open(t, &o->w, deadline_ms, &o->version, &o->error);
}

static void await(struct opener *o)
{
    LOCK_SCOPE(&lock);
    int64_t deadline_ms = clock_mono_ms() + LATE_MS;
    while (o->answers == 0)
        assert_true(cond_wait_until(&changed, &lock, deadline_ms));
}

static void await_gate(void)
{
    LOCK_SCOPE(&lock);
    int64_t deadline_ms = clock_mono_ms() + LATE_MS;
    while (!at_gate)
        assert_true(cond_wait_until(&changed, &lock, deadline_ms));
}

static void set_gate(bool open)
{
    LOCK_SCOPE(&lock);
    open_gate = open;
    at_gate = false;
    cond_broadcast(&changed);
}

static struct tsv_version *open_now(void)
{
    struct opener o;
    if (begin(&o, clock_mono_ms() + LATE_MS) == TSV_PARKED)
        await(&o);
    assert_int_equal(o.error, 0);
    assert_non_null(o.version);
    return o.version;
}

static void assert_lines(const struct tsv_version *v, const char *lines)
{
    char text[4096] = "", want[4096];
    struct tsv_stat st;
    tsv_version_stat(v, &st);
    snprintf(want, sizeof want, "%s%s", job_row_header, lines);
    assert_int_equal(st.size, strlen(want));
    assert_int_equal(pread(tsv_version_fd(v), text, sizeof text - 1, 0), strlen(want));
    assert_string_equal(text, want);
}

static int64_t made(void)
{
    return metric_get(METRIC_FS_TSV_MADE);
}

#define LINE(status) ID "\t" status "\t10\t\t\t\t\t\t\t\t\n"

/* ---- what is in it ---- */

static void without_jobs_it_is_its_header(void **state)
{
    (void)state;
    struct tsv_version *v = open_now();
    assert_lines(v, "");
    tsv_version_unref(v);
}

static void it_has_a_line_for_each_job_sorted_by_id(void **state)
{
    (void)state;
    known(&bench, ID, "Success", NOW);
    restore_other();
    struct tsv_version *v = open_now();
    assert_lines(v, "stored line\n" LINE("Success"));
    tsv_version_unref(v);
}

static void its_size_is_known_without_making_it(void **state)
{
    (void)state;
    int64_t before = made();
    struct tsv_stat none, st, version;
    tsv_stat(t, &none);
    assert_int_equal(none.size, strlen(job_row_header));
    known(&bench, ID, "Success", NOW);
    tsv_stat(t, &st);
    assert_int_equal(st.size, strlen(job_row_header) + strlen(LINE("Success")));
    assert_true(st.mtime_ns > none.mtime_ns);
    assert_int_equal(made(), before);
    struct tsv_version *v = open_now();
    tsv_version_stat(v, &version);
    assert_int_equal(version.size, st.size);
    assert_true(version.mtime_ns == st.mtime_ns);
    tsv_version_unref(v);
}

static void more_jobs_than_one_write_takes_are_all_there(void **state)
{
    (void)state;
    const int n = 12000;
    for (int i = 0; i < n; i++) {
        char id[JOB_ID_MAX + 1];
        snprintf(id, sizeof id, "%032x", i);
        known(&bench, id, "Init", NOW);
    }
    struct tsv_stat st, version;
    tsv_stat(t, &st);
    struct tsv_version *v = open_now();
    tsv_version_stat(v, &version);
    assert_int_equal(version.size, st.size);
    assert_int_equal(st.size, strlen(job_row_header) + (size_t)n * strlen(LINE("Init")));
    tsv_version_unref(v);
}

/* ---- when it is made ---- */

static void it_is_made_once_between_two_changes(void **state)
{
    (void)state;
    uint64_t key = known(&bench, ID, "Init", NOW);
    int64_t before = made();
    for (int i = 0; i < 5; i++)
        tsv_version_unref(open_now());
    assert_int_equal(made(), before + 1);
    put_job(&bench, key, "Success", 10, NOW);
    put_job(&bench, key, "Failed", 10, NOW);
    assert_int_equal(made(), before + 1); /* nobody has asked */
    struct tsv_version *v = open_now();
    assert_lines(v, LINE("Failed"));
    tsv_version_unref(v);
    assert_int_equal(made(), before + 2);
}

static void an_open_version_stays_as_it_is(void **state)
{
    (void)state;
    uint64_t key = known(&bench, ID, "Init", NOW);
    struct tsv_version *older = open_now();
    put_job(&bench, key, "Success", 10, NOW);
    struct tsv_version *newer = open_now();
    assert_lines(older, LINE("Init"));
    assert_lines(newer, LINE("Success"));
    tsv_version_unref(older);
    tsv_version_unref(newer);
}

static void all_who_come_while_it_is_made_share_one_making(void **state)
{
    (void)state;
    struct opener openers[4];
    restore_other();
    set_gate(false);
    int64_t before = made();
    for (int i = 0; i < 4; i++)
        assert_int_equal(begin(&openers[i], clock_mono_ms() + LATE_MS), TSV_PARKED);
    await_gate();
    struct opener late;
    assert_int_equal(begin(&late, clock_mono_ms() + LATE_MS), TSV_PARKED);
    set_gate(true);
    for (int i = 0; i < 4; i++) {
        await(&openers[i]);
        assert_lines(openers[i].version, "stored line\n");
        tsv_version_unref(openers[i].version);
    }
    await(&late);
    tsv_version_unref(late.version);
    assert_int_equal(made(), before + 1);
}

static void who_opens_after_a_change_does_not_get_what_was_begun_before_it(void **state)
{
    (void)state;
    struct opener early, late;
    restore_other();
    set_gate(false);
    assert_int_equal(begin(&early, clock_mono_ms() + LATE_MS), TSV_PARKED);
    await_gate();
    known(&bench, ID, "Success", NOW);
    assert_int_equal(begin(&late, clock_mono_ms() + LATE_MS), TSV_PARKED);
    set_gate(true);
    await(&early);
    await(&late);
    assert_lines(early.version, "stored line\n");
    assert_lines(late.version, "stored line\n" LINE("Success"));
    tsv_version_unref(early.version);
    tsv_version_unref(late.version);
}

static void a_change_of_lines_is_told_of_once(void **state)
{
    (void)state;
    assert_false(tsv_changed(t));
    uint64_t key = known(&bench, ID, "Init", NOW);
    assert_true(tsv_changed(t));
    assert_false(tsv_changed(t));
    put_job(&bench, key, "Success", 10, NOW);
    struct tsv_stat st;
    tsv_stat(t, &st); /* a look at it is no question */
    assert_true(tsv_changed(t));
    assert_false(tsv_changed(t));
}

static void the_fields_of_its_columns_are_known(void **state)
{
    (void)state;
    static const char *const columns[] = {"job_id", "status", "progress", "media_url", "message"};
    static const char *const others[] = {"", "request_id", "job.json", "stat", "statuses", "\t"};
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        assert_true(tsv_has_column(columns[i]));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(tsv_has_column(others[i]));
}

/* ---- who waits ---- */

static void who_waits_can_be_interrupted(void **state)
{
    (void)state;
    struct opener o;
    restore_other();
    set_gate(false);
    assert_int_equal(begin(&o, clock_mono_ms() + LATE_MS), TSV_PARKED);
    assert_true(tsv_cancel(t, &o.w));
    assert_false(tsv_cancel(t, &o.w));
    set_gate(true);
    tsv_stop(t); /* the thread is through */
    assert_int_equal(o.answers, 0);
}

static void an_interrupt_before_it_waits_is_remembered(void **state)
{
    (void)state;
    struct opener o = {.w.answer = on_answer};
    restore_other();
    assert_false(tsv_cancel(t, &o.w));
    assert_int_equal(tsv_open(t, &o.w, clock_mono_ms() + LATE_MS, &o.version, &o.error),
                     TSV_INTERRUPTED);
}

static int alarms;

static void on_alarm(void *arg)
{
    alarms++;
    assert_null(arg);
}

static void who_waits_past_the_deadline_gets_etimedout(void **state)
{
    (void)state;
    struct opener o, other;
    restore_other();
    set_gate(false);
    alarms = 0;
    tsv_set_alarm(t, on_alarm, NULL);
    assert_true(tsv_expire(t, 0) == INT64_MAX);
    assert_int_equal(begin(&o, 5000), TSV_PARKED);
    assert_int_equal(begin(&other, 6000), TSV_PARKED);
    assert_int_equal(alarms, 1); /* the second waits longer */
    assert_int_equal(tsv_expire(t, 4999), 5000);
    assert_int_equal(o.answers, 0);
    assert_int_equal(tsv_expire(t, 5000), 6000);
    assert_int_equal(o.answers, 1);
    assert_int_equal(o.error, ETIMEDOUT);
    assert_null(o.version);
    set_gate(true);
    await(&other);
    assert_int_equal(other.error, 0);
    tsv_version_unref(other.version);
}

static void at_the_end_who_waits_gets_eio_and_so_does_who_comes(void **state)
{
    (void)state;
    struct opener o;
    restore_other();
    tsv_stop(t);
    assert_int_equal(begin(&o, clock_mono_ms() + LATE_MS), TSV_FAILED);
    assert_int_equal(o.error, EIO);
}

static void a_store_that_fails_is_eio_and_the_next_open_tries_again(void **state)
{
    (void)state;
    struct opener o;
    restore_other();
    store_fails = true;
    assert_int_equal(begin(&o, clock_mono_ms() + LATE_MS), TSV_PARKED);
    await(&o);
    assert_int_equal(o.error, EIO);
    assert_null(o.version);
    mutex_lock(&lock);
    store_fails = false;
    mutex_unlock(&lock);
    struct tsv_version *v = open_now();
    assert_lines(v, "stored line\n");
    tsv_version_unref(v);
}

static void without_memory_for_itself_it_says_so(void **state)
{
    (void)state;
    struct err err = {""};
    alloc_fail_at(1);
    assert_null(tsv_new(bench.c, &err));
    assert_true(alloc_fail_fired());
    assert_non_null(strstr(err.text, "memory"));
}

/* ---- threads ---- */

#define READERS 3
#define ROUNDS  300

static atomic_bool done;

/* Whatever is opened is whole: the header, and one line of now or of before. */
static void *open_all_the_time(void *arg)
{
    while (!atomic_load(&done)) {
        struct tsv_version *v = open_now();
        char text[4096] = "";
        ssize_t n = pread(tsv_version_fd(v), text, sizeof text - 1, 0);
        struct tsv_stat st;
        tsv_version_stat(v, &st);
        tsv_version_unref(v);
        bool right = n >= 0 && (uint64_t)n == st.size &&
                     (strstr(text, LINE("Init")) || strstr(text, LINE("Success")));
        if (!right)
            return NULL;
    }
    return arg;
}

static void readers_may_open_it_while_jobs_change(void **state)
{
    (void)state;
    pthread_t threads[READERS];
    int token = 0;
    uint64_t key = known(&bench, ID, "Init", NOW);
    atomic_store(&done, false);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(thread_start(&threads[i], "opens", open_all_the_time, &token, NULL), 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        put_job(&bench, key, i % 2 ? "Init" : "Success", 10, NOW);
        tsv_changed(t);
        tsv_expire(t, clock_mono_ms());
    }
    atomic_store(&done, true);
    for (size_t i = 0; i < READERS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &token);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_jobs_it_is_its_header),
        TEST(it_has_a_line_for_each_job_sorted_by_id),
        TEST(its_size_is_known_without_making_it),
        TEST(more_jobs_than_one_write_takes_are_all_there),
        TEST(it_is_made_once_between_two_changes),
        TEST(an_open_version_stays_as_it_is),
        TEST(all_who_come_while_it_is_made_share_one_making),
        TEST(who_opens_after_a_change_does_not_get_what_was_begun_before_it),
        TEST(a_change_of_lines_is_told_of_once),
        TEST(the_fields_of_its_columns_are_known),
        TEST(who_waits_can_be_interrupted),
        TEST(an_interrupt_before_it_waits_is_remembered),
        TEST(who_waits_past_the_deadline_gets_etimedout),
        TEST(at_the_end_who_waits_gets_eio_and_so_does_who_comes),
        TEST(a_store_that_fails_is_eio_and_the_next_open_tries_again),
        TEST(without_memory_for_itself_it_says_so),
        TEST(readers_may_open_it_while_jobs_change),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
