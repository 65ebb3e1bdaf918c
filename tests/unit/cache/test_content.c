/* Content that leaves memory and comes back, what is unsaved, and what comes from the store. */
#include "base/attr.h"
#include "cache/fixture.h"
#include <errno.h>
#include <stdlib.h>

/* A store that keeps references. */
struct shelf {
    struct job *jobs[64];
    size_t n;
    unsigned loads, wakes;
    bool broken;
};

static void shelf_put(struct shelf *s, struct job *job)
{
    for (size_t i = 0; i < s->n; i++) {
        if (strcmp(job_id(s->jobs[i]), job_id(job)) != 0)
            continue;
        job_unref(s->jobs[i]);
        s->jobs[i] = job_ref(job);
        return;
    }
    assert_true(s->n < ARRAY_LEN(s->jobs));
    s->jobs[s->n++] = job_ref(job);
}

static struct job *shelf_load(void *arg, const char *id)
{
    struct shelf *s = arg;
    s->loads++;
    for (size_t i = 0; !s->broken && i < s->n; i++)
        if (strcmp(job_id(s->jobs[i]), id) == 0)
            return job_ref(s->jobs[i]);
    return NULL;
}

static void shelf_wake(void *arg)
{
    ((struct shelf *)arg)->wakes++;
}

static void shelf_free(struct shelf *s)
{
    for (size_t i = 0; i < s->n; i++)
        job_unref(s->jobs[i]);
}

static void open_kept(struct bench *b, struct shelf *s, size_t size_max)
{
    *b = (struct bench){0};
    *s = (struct shelf){0};
    struct cache_config config = {.ttl_ms = TTL,
                                  .patience_ms = PATIENCE,
                                  .ttl_missing_ms = MISSING,
                                  .timeout_ms = TIMEOUT,
                                  .size_max = size_max,
                                  .wake = bench_wake,
                                  .wake_arg = b};
    b->c = cache_new(&config, NULL);
    assert_non_null(b->c);
    cache_set_backing(b->c,
                      &(struct cache_backing){
                          .load = shelf_load, .wake = shelf_wake, .arg = s, .read_grain_ms = 1000});
}

/* Save all that is unsaved; how many. */
static size_t save_all(struct bench *b, struct shelf *s)
{
    struct cache_save saves[64];
    size_t n = cache_take_unsaved(b->c, saves, ARRAY_LEN(saves));
    for (size_t i = 0; i < n; i++)
        if (saves[i].content)
            shelf_put(s, saves[i].content);
    cache_saved(b->c, saves, n, true);
    return n;
}

static void close_kept(struct bench *b, struct shelf *s)
{
    bench_close(b);
    shelf_free(s);
}

static const char *name(char id[32], unsigned i)
{
    snprintf(id, 32, "kept-job-%04u", i);
    return id;
}

static void finished_jobs_leave_memory_once_they_are_saved_and_come_back_when_read(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    char id[32];
    uint64_t keys[20];
    open_kept(&b, &s, 1);
    for (unsigned i = 0; i < 20; i++)
        keys[i] = known(&b, name(id, i), "Success", 0);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(read_now(&b, keys[i], 1).verdict, CACHE_CONTENT);
    assert_int_equal(s.loads, 0); /* what is not saved stays */
    assert_int_equal(save_all(&b, &s), 20);
    for (unsigned i = 0; i < 20; i++) {
        struct cache_answer a = {0};
        assert_int_equal(cache_peek(b.c, keys[i], CACHE_NEED_GET, 2, &a), CACHE_CONTENT);
        assert_string_equal(job_id(a.job), name(id, i));
        assert_false(a.stale);
        job_unref(a.job);
    }
    assert_true(s.loads >= 19);
    close_kept(&b, &s);
}

static void what_fits_stays_and_who_was_read_lately_stays_longest(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    char id[32];
    uint64_t keys[20];
    struct job *one = job_new("kept-job-0000", "Success", 10, NULL);
    open_kept(&b, &s, 10 * (job_size(one) + 64));
    job_unref(one);
    for (unsigned i = 0; i < 10; i++)
        keys[i] = known(&b, name(id, i), "Success", 0);
    save_all(&b, &s);
    read_now(&b, keys[0], 1);
    for (unsigned i = 10; i < 20; i++) {
        keys[i] = known(&b, name(id, i), "Success", 0);
        save_all(&b, &s);
        read_now(&b, keys[0], 2); /* always in use */
    }
    assert_int_equal(s.loads, 0);
    read_now(&b, keys[1], 3);
    assert_int_equal(s.loads, 1);
    close_kept(&b, &s);
}

static void unfinished_jobs_never_leave_memory(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    open_kept(&b, &s, 1);
    uint64_t key = known(&b, ID, "Processing", 0);
    known(&b, "other-job-1", "Success", 0);
    save_all(&b, &s);
    job_unref(cache_current(b.c, key));
    assert_int_equal(s.loads, 0);
    close_kept(&b, &s);
}

static void content_that_is_lost_is_asked_for_again(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    open_kept(&b, &s, 1);
    uint64_t key = known(&b, ID, "Success", 0);
    known(&b, "other-job-1", "Success", 0);
    save_all(&b, &s);
    s.broken = true;
    struct reader r;
    assert_int_equal(reader_read(&b, &r, key, 10), CACHE_PARKED);
    assert_int_equal(take_all(&b, NULL), 1);
    put_job(&b, key, "Success", 10, 20);
    assert_int_equal(r.got.verdict, CACHE_CONTENT);
    reader_done(&r);
    close_kept(&b, &s);
}

static void listing_and_looking_up_load_nothing(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    struct cache_row *rows;
    size_t n;
    open_kept(&b, &s, 1);
    known(&b, ID, "Success", 0);
    known(&b, "other-job-1", "Success", 0);
    save_all(&b, &s);
    assert_int_equal(cache_list(b.c, &rows, &n), 0);
    assert_int_equal(n, 2);
    cache_list_free(rows, n);
    uint64_t key = key_of_name(&b, ID, 0);
    struct job_facts *facts = cache_facts(b.c, key);
    assert_string_equal(facts->id, ID);
    job_facts_unref(facts);
    assert_int_equal(s.loads, 0);
    close_kept(&b, &s);
}

static unsigned waits;

static void count_wait(void)
{
    waits++;
}

static void before_waiting_for_the_disk_it_is_said(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    open_kept(&b, &s, 1);
    cache_before_wait(b.c, count_wait);
    uint64_t key = known(&b, ID, "Success", 0);
    read_now(&b, key, 1);
    assert_int_equal(waits, 0);
    known(&b, "other-job-1", "Success", 0);
    save_all(&b, &s);
    read_now(&b, key, 2);
    assert_int_equal(waits, 1);
    close_kept(&b, &s);
}

static void content_that_could_not_be_loaded_is_tried_again(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    struct cache_answer a;
    open_kept(&b, &s, 1);
    uint64_t key = known(&b, ID, "Success", 0);
    known(&b, "other-job-1", "Success", 0);
    save_all(&b, &s);
    s.broken = true;
    assert_int_equal(cache_peek(b.c, key, CACHE_NEED_GET, 10, &a), CACHE_PARKED);
    assert_null(cache_current(b.c, key));
    s.broken = false;
    assert_int_equal(cache_peek(b.c, key, CACHE_NEED_GET, 11, &a), CACHE_CONTENT);
    job_unref(a.job);
    close_kept(&b, &s);
}

/* ---- unsaved ---- */

static void each_change_is_saved_once_and_the_saver_is_woken(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    struct cache_save saves[4];
    open_kept(&b, &s, 0);
    uint64_t key = known(&b, ID, "Processing", 0);
    put_job(&b, key, "Processing", 20, 10);
    assert_int_equal(s.wakes, 1);
    assert_int_equal(cache_count_unsaved(b.c), 1);
    assert_int_equal(cache_take_unsaved(b.c, saves, 4), 1);
    assert_string_equal(job_find(saves[0].content, "progress")->data, "20\n");
    assert_int_equal(cache_count_unsaved(b.c), 1); /* it is not saved yet */
    cache_saved(b.c, saves, 1, true);
    assert_int_equal(cache_count_unsaved(b.c), 0);
    put_job(&b, key, "Processing", 20, 20);
    assert_int_equal(cache_count_unsaved(b.c), 0); /* nothing has changed */
    put_job(&b, key, "Processing", 20, 20 + 60000);
    assert_int_equal(cache_take_unsaved(b.c, saves, 4), 1);
    assert_null(saves[0].content); /* but that it was confirmed */
    assert_int_equal(saves[0].fetched_real_ns, INT64_C(60020) * 1000000);
    cache_saved(b.c, saves, 1, true);
    close_kept(&b, &s);
}

static void what_could_not_be_saved_is_given_again(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    struct cache_save saves[4];
    open_kept(&b, &s, 0);
    uint64_t key = known(&b, ID, "Processing", 0);
    assert_int_equal(cache_take_unsaved(b.c, saves, 4), 1);
    put_job(&b, key, "Processing", 30, 10); /* meanwhile */
    cache_saved(b.c, saves, 1, false);
    assert_int_equal(cache_count_unsaved(b.c), 1);
    assert_int_equal(cache_take_unsaved(b.c, saves, 4), 1);
    assert_string_equal(job_find(saves[0].content, "progress")->data, "30\n");
    cache_saved(b.c, saves, 1, true);
    assert_int_equal(cache_count_unsaved(b.c), 0);
    close_kept(&b, &s);
}

static void a_change_while_saving_is_saved_after_it(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    struct cache_save saves[4];
    open_kept(&b, &s, 0);
    uint64_t key = known(&b, ID, "Processing", 0);
    assert_int_equal(cache_take_unsaved(b.c, saves, 4), 1);
    put_job(&b, key, "Processing", 30, 10);
    cache_saved(b.c, saves, 1, true);
    assert_int_equal(cache_count_unsaved(b.c), 1);
    assert_int_equal(save_all(&b, &s), 1);
    assert_string_equal(job_find(s.jobs[0], "progress")->data, "30\n");
    close_kept(&b, &s);
}

static void with_a_new_store_all_is_unsaved(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    open_kept(&b, &s, 0);
    known(&b, ID, "Processing", 0);
    known(&b, "other-job-1", "Success", 0);
    save_all(&b, &s);
    cache_unsave_all(b.c);
    assert_int_equal(save_all(&b, &s), 2);
    close_kept(&b, &s);
}

/* ---- from the store ---- */

static void restore(struct bench *b, struct shelf *s, const char *id, const char *status, bool gone)
{
    struct job *job = job_new(id, status, 40, NULL);
    shelf_put(s, job);
    struct cache_restored r = {.facts = job_facts_of(job),
                               .fetched_real_ns = 77,
                               .got_real_ns = 77,
                               .ended = job_final(job),
                               .gone = gone};
    assert_int_equal(cache_restore(b->c, &r), 0);
    job_unref(job);
}

static void what_is_restored_is_there_at_once_and_stale_until_confirmed(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    struct cache_info info;
    struct cache_answer a;
    open_kept(&b, &s, 0);
    restore(&b, &s, ID, "Processing", false);
    restore(&b, &s, "other-job-1", "Success", false);
    assert_int_equal(cache_count_unsaved(b.c), 0);
    uint64_t key = key_of_name(&b, ID, 5), other = key_of_name(&b, "other-job-1", 5);
    assert_int_equal(take_all(&b, NULL), 0); /* looking costs no call */
    assert_int_equal(cache_peek(b.c, key, CACHE_NEED_GET, 5, &a), CACHE_CONTENT);
    assert_true(a.stale);
    job_unref(a.job);
    assert_true(cache_info(b.c, key, CACHE_NEED_GET, 5, &info) && info.stale);
    assert_int_equal(info.fetched_real_ns, 77);
    assert_false(cache_read_fresh(b.c, key, CACHE_NEED_GET, 5, &a));
    assert_true(cache_read_fresh(b.c, other, CACHE_NEED_GET, 5, &a)); /* ended: it does not age */
    assert_false(a.stale);
    job_unref(a.job);
    put_job(&b, key, "Processing", 40, 10);
    assert_true(cache_info(b.c, key, CACHE_NEED_GET, 10, &info) && !info.stale);
    close_kept(&b, &s);
}

static void what_is_known_already_is_not_restored_over(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    open_kept(&b, &s, 0);
    uint64_t key = known(&b, ID, "Processing", 0);
    restore(&b, &s, ID, "Init", false);
    struct job *job = cache_current(b.c, key);
    assert_int_equal(job_status(job), JOB_STATUS_PROCESSING);
    job_unref(job);
    close_kept(&b, &s);
}

static void a_job_that_the_service_has_forgotten_stays_and_says_so(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    struct cache_info info;
    struct cache_save saves[4];
    open_kept(&b, &s, 0);
    uint64_t key = known(&b, ID, "Processing", 0);
    save_all(&b, &s);
    struct reader r;
    assert_int_equal(reader_read(&b, &r, key, TTL + 1), CACHE_PARKED);
    take_all(&b, NULL);
    cache_put_missing(b.c, key, TTL + 2);
    assert_int_equal(r.got.verdict, CACHE_CONTENT);
    assert_true(r.got.stale);
    reader_done(&r);
    assert_true(cache_info(b.c, key, CACHE_NEED_GET, TTL + 3, &info) && info.gone);
    assert_int_equal(cache_take_unsaved(b.c, saves, 4), 1);
    assert_true(saves[0].gone && !saves[0].content);
    cache_saved(b.c, saves, 1, true);
    put_job(&b, key, "Processing", 10, 2 * TTL);
    assert_true(cache_info(b.c, key, CACHE_NEED_GET, 2 * TTL, &info) && !info.gone);

    restore(&b, &s, "gone-job-1", "Success", true);
    uint64_t gone = key_of_name(&b, "gone-job-1", 0);
    assert_true(cache_info(b.c, gone, CACHE_NEED_GET, 0, &info) && info.gone && info.stale);
    close_kept(&b, &s);
}

static void missing_ids_are_remembered_over_a_restart(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    struct cache_answer a;
    uint64_t key;
    open_kept(&b, &s, 0);
    cache_restore_missing(b.c, "nobodys-job", 500);
    assert_int_equal(lookup(b.c, "nobodys-job", 499, &key, &a), CACHE_MISSING);
    assert_int_equal(take_all(&b, NULL), 0);
    assert_int_equal(lookup(b.c, "nobodys-job", 500, &key, &a), CACHE_PARKED);
    assert_int_equal(take_all(&b, NULL), 1);
    close_kept(&b, &s);
}

/* ---- discovered ---- */

static void a_discovered_job_is_hidden_until_it_is_published(void **state)
{
    (void)state;
    struct bench b;
    uint64_t key = 0, unborn = 0;
    bench_open(&b);
    cache_stage_changes(b.c, true);
    struct job *item = job_new_partial(ID, "Success");
    assert_true(cache_discover(b.c, item, 0, 9, &key));
    assert_false(cache_discover(b.c, item, 1, 9, &key));
    assert_int_equal(b.events[CACHE_UNBORN], 1);
    assert_ptr_equal(b.event_after, item);
    assert_null(cache_find(b.c, ID, &unborn));
    assert_null(cache_current(b.c, key));
    assert_true(cache_unborn(b.c, ID, &unborn));
    assert_int_equal(unborn, key);
    struct job *newest = cache_newest(b.c, key);
    assert_ptr_equal(newest, item);
    cache_publish(b.c, key, newest, 2);
    job_unref(newest);
    assert_false(cache_unborn(b.c, ID, &unborn));
    struct job_facts *facts = cache_find(b.c, ID, &unborn);
    assert_true(facts->partial);
    job_facts_unref(facts);
    assert_int_equal(b.events[CACHE_CREATED], 0); /* the listener knew */
    job_unref(item);
    bench_close(&b);
}

static void naming_a_discovered_job_shows_it(void **state)
{
    (void)state;
    struct bench b;
    uint64_t key = 0, found = 0;
    struct cache_answer a;
    bench_open(&b);
    cache_stage_changes(b.c, true);
    struct job *item = job_new_partial(ID, "Success");
    assert_true(cache_discover(b.c, item, 0, 9, &key));
    assert_int_equal(lookup(b.c, ID, 1, &found, &a), CACHE_CONTENT);
    assert_int_equal(found, key);
    assert_false(cache_unborn(b.c, ID, &found));
    struct reader r;
    assert_int_equal(reader_read_need(&b, &r, key, CACHE_NEED_ANY, 1), CACHE_CONTENT);
    reader_done(&r);
    assert_int_equal(reader_read_need(&b, &r, key, CACHE_NEED_GET, 1), CACHE_PARKED);
    assert_int_equal(take_all(&b, NULL), 1);
    job_unref(item);
    bench_close(&b);
}

static void what_readers_ask_for_is_not_discovered(void **state)
{
    (void)state;
    struct bench b;
    uint64_t key = 0;
    bench_open(&b);
    cache_stage_changes(b.c, true);
    struct job *item = job_new_partial(ID, "Success");
    struct reader r;
    uint64_t asked = key_of_name(&b, ID, 0);
    assert_int_equal(reader_read(&b, &r, asked, 0), CACHE_PARKED);
    assert_false(cache_discover(b.c, item, 0, 9, &key)); /* its Get tells */
    take_all(&b, NULL);
    cache_put_missing(b.c, asked, 1);
    assert_true(cache_discover(b.c, item, 2, 9, &key)); /* a list knows better: shown at once */
    assert_int_equal(b.events[CACHE_UNBORN], 0);
    assert_int_equal(b.events[CACHE_CREATED], 1);
    job_unref(item);
    bench_close(&b);
}

/* ---- forgotten ---- */

static void finished_jobs_that_nobody_reads_leave_and_a_reader_keeps_them(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    uint64_t found;
    char ids[4][JOB_ID_MAX + 1];
    open_kept(&b, &s, 0);
    cache_listen(b.c, bench_event, &b);
    uint64_t key = known(&b, ID, "Success", 0), other = known(&b, "other-job-1", "Success", 0);
    known(&b, "running-job-1", "Processing", 0);
    assert_int_equal(cache_forget_idle(b.c, 5000, 5000), 0); /* not saved yet */
    save_all(&b, &s);
    assert_int_equal(cache_forget_idle(b.c, 5000, 4999), 0);
    assert_int_equal(cache_forget_idle(b.c, 5000, 5000), 2);
    assert_int_equal(b.events[CACHE_LEAVING], 2);
    assert_true(cache_leaving(b.c, key) && cache_leaving(b.c, other));
    read_now(&b, other, 5001);
    assert_false(cache_leaving(b.c, other));
    cache_forget(b.c, key);
    assert_null(cache_find(b.c, ID, &found));
    assert_int_equal(cache_take_forgotten(b.c, ids, 4), 1);
    assert_string_equal(ids[0], ID);
    assert_int_equal(cache_take_forgotten(b.c, ids, 4), 0);
    struct cache_rows_stat rows;
    cache_rows_stat(b.c, &rows);
    struct job_facts *left[] = {cache_find(b.c, "other-job-1", &found),
                                cache_find(b.c, "running-job-1", &found)};
    assert_int_equal(rows.bytes, left[0]->row_len + left[1]->row_len);
    job_facts_unref(left[0]);
    job_facts_unref(left[1]);
    close_kept(&b, &s);
}

static void a_job_that_has_just_ended_is_kept_for_keep(void **state)
{
    (void)state;
    struct bench b;
    struct shelf s;
    open_kept(&b, &s, 0);
    uint64_t key = known(&b, ID, "Processing", 0);
    put_job(&b, key, "Success", 100, 9000);
    save_all(&b, &s);
    assert_int_equal(cache_forget_idle(b.c, 5000, 13999), 0);
    assert_int_equal(cache_forget_idle(b.c, 5000, 14000), 1);
    close_kept(&b, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finished_jobs_leave_memory_once_they_are_saved_and_come_back_when_read),
        cmocka_unit_test(what_fits_stays_and_who_was_read_lately_stays_longest),
        cmocka_unit_test(unfinished_jobs_never_leave_memory),
        cmocka_unit_test(content_that_is_lost_is_asked_for_again),
        cmocka_unit_test(before_waiting_for_the_disk_it_is_said),
        cmocka_unit_test(content_that_could_not_be_loaded_is_tried_again),
        cmocka_unit_test(listing_and_looking_up_load_nothing),
        cmocka_unit_test(each_change_is_saved_once_and_the_saver_is_woken),
        cmocka_unit_test(what_could_not_be_saved_is_given_again),
        cmocka_unit_test(a_change_while_saving_is_saved_after_it),
        cmocka_unit_test(with_a_new_store_all_is_unsaved),
        cmocka_unit_test(what_is_restored_is_there_at_once_and_stale_until_confirmed),
        cmocka_unit_test(what_is_known_already_is_not_restored_over),
        cmocka_unit_test(a_job_that_the_service_has_forgotten_stays_and_says_so),
        cmocka_unit_test(missing_ids_are_remembered_over_a_restart),
        cmocka_unit_test(a_discovered_job_is_hidden_until_it_is_published),
        cmocka_unit_test(naming_a_discovered_job_shows_it),
        cmocka_unit_test(what_readers_ask_for_is_not_discovered),
        cmocka_unit_test(finished_jobs_that_nobody_reads_leave_and_a_reader_keeps_them),
        cmocka_unit_test(a_job_that_has_just_ended_is_kept_for_keep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
