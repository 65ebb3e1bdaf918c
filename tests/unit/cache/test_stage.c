/* Versions are staged until they are told of; content has two ages; use is passed on. */
#include <errno.h>

#include "cache/fixture.h"

static void open_staging(struct bench *b)
{
    bench_open(b);
    cache_stage_changes(b->c, true);
}

static bool shows(struct bench *b, uint64_t key, enum job_status status)
{
    struct job *job = cache_current(b->c, key);
    bool same = job_status(job) == status;
    job_unref(job);
    return same;
}

static void publish_newest(struct bench *b, uint64_t key, int64_t now_ms)
{
    struct job *job = cache_newest(b->c, key);
    cache_publish(b->c, key, job, now_ms);
    job_unref(job);
}

/* What a list shows of the job, laid over what is known. */
static void put_listed(struct bench *b, uint64_t key, const char *status, int64_t now_ms)
{
    char id[JOB_ID_MAX + 1];
    assert_true(cache_id_of(b->c, key, id));
    struct job *item = job_new_partial(id, status), *known = cache_newest(b->c, key);
    struct job *job = known ? job_merge_list(known, item, 2, NULL) : job_ref(item);
    assert_non_null(job);
    cache_put_listed(b->c, key, job, now_ms, now_ms * 1000000);
    job_unref(job);
    job_unref(known);
    job_unref(item);
}

/* ---- staging ---- */

static void a_change_is_shown_when_it_is_published(void **state)
{
    (void)state;
    struct bench b;
    open_staging(&b);
    uint64_t key = known(&b, ID, "Init", 0);
    assert_int_equal(b.events[CACHE_CREATED], 1); /* the first version is shown at once */
    put_job(&b, key, "Queuing", 10, 100);
    assert_int_equal(b.events[CACHE_STAGED], 1);
    assert_int_equal(job_status(b.event_before), JOB_STATUS_INIT);
    assert_int_equal(job_status(b.event_after), JOB_STATUS_QUEUING);
    assert_true(shows(&b, key, JOB_STATUS_INIT));
    publish_newest(&b, key, 110);
    assert_true(shows(&b, key, JOB_STATUS_QUEUING));
    assert_int_equal(b.events[CACHE_STAGED], 1); /* nobody is told again */
    assert_int_equal(b.events[CACHE_CHANGED], 0);
    struct cache_answer a = read_now(&b, key, 100 + TTL - 1);
    assert_int_equal(a.fresh_for_ms, 1); /* since it was got, not since it is shown */
    assert_false(cache_settled(b.c, key));
    bench_close(&b);
}

static void a_newer_version_takes_the_place_of_the_staged_one(void **state)
{
    (void)state;
    struct bench b;
    open_staging(&b);
    uint64_t key = known(&b, ID, "Init", 0);
    put_job(&b, key, "Queuing", 10, 100);
    struct job *older = cache_newest(b.c, key);
    put_job(&b, key, "Processing", 20, 200);
    assert_int_equal(b.events[CACHE_STAGED], 2);
    assert_int_equal(job_status(b.event_before), JOB_STATUS_INIT); /* what is shown */
    cache_publish(b.c, key, older, 210);
    assert_true(shows(&b, key, JOB_STATUS_QUEUING));
    struct job *newest = cache_newest(b.c, key);
    assert_int_equal(job_status(newest), JOB_STATUS_PROCESSING);
    job_unref(newest);
    publish_newest(&b, key, 220);
    assert_true(shows(&b, key, JOB_STATUS_PROCESSING));
    cache_publish(b.c, key, older, 230); /* the older one again: nothing waits to be shown */
    assert_true(shows(&b, key, JOB_STATUS_PROCESSING));
    job_unref(older);
    cache_publish(b.c, 4711, b.event_after, 230);
    bench_close(&b);
}

static void what_is_left_staged_is_freed_with_the_cache(void **state)
{
    (void)state;
    struct bench b;
    open_staging(&b);
    uint64_t key = known(&b, ID, "Init", 0);
    put_job(&b, key, "Queuing", 10, 100);
    bench_close(&b); /* a leak would be told by the sanitizer */
}

static void readers_wait_for_the_publication(void **state)
{
    (void)state;
    struct bench b;
    struct reader r, late;
    open_staging(&b);
    uint64_t key = known(&b, ID, "Init", 0);
    assert_int_equal(reader_read(&b, &r, key, TTL), CACHE_PARKED);
    take_all(&b, NULL);
    put_job(&b, key, "Queuing", 10, TTL + 50);
    assert_int_equal(r.answers, 0);
    /* Who comes now waits too, and nothing is asked for. */
    assert_int_equal(reader_read(&b, &late, key, TTL + 60), CACHE_PARKED);
    assert_int_equal(take_all(&b, NULL), 0);
    publish_newest(&b, key, TTL + 70);
    assert_int_equal(r.answers, 1);
    assert_int_equal(late.answers, 1);
    assert_int_equal(job_status(r.got.job), JOB_STATUS_QUEUING);
    assert_false(r.got.stale);
    reader_done(&r);
    reader_done(&late);
    bench_close(&b);
}

static void patience_ends_before_a_publication_that_never_comes(void **state)
{
    (void)state;
    struct bench b;
    struct reader r;
    open_staging(&b);
    uint64_t key = known(&b, ID, "Init", 0);
    assert_int_equal(reader_read(&b, &r, key, TTL), CACHE_PARKED);
    take_all(&b, NULL);
    put_job(&b, key, "Queuing", 10, TTL + 50);
    cache_expire(b.c, TTL + PATIENCE);
    assert_int_equal(r.answers, 1);
    assert_true(r.got.stale);
    assert_int_equal(job_status(r.got.job), JOB_STATUS_INIT);
    reader_done(&r);
    /* By now nobody is patient any more. */
    struct cache_answer a = read_now(&b, key, TTL + 50 + PATIENCE);
    assert_int_equal(a.verdict, CACHE_CONTENT);
    assert_true(a.stale);
    bench_close(&b);
}

static void a_version_like_the_staged_one_is_no_news(void **state)
{
    (void)state;
    struct bench b;
    open_staging(&b);
    uint64_t key = known(&b, ID, "Init", 0);
    put_job(&b, key, "Queuing", 10, 100);
    put_job(&b, key, "Queuing", 10, 300);
    assert_int_equal(b.events[CACHE_STAGED], 1);
    publish_newest(&b, key, 310);
    struct cache_answer a = read_now(&b, key, 300 + TTL - 1);
    assert_int_equal(a.fresh_for_ms, 1); /* confirmed since */
    bench_close(&b);
}

static void a_settled_job_may_change_once_more(void **state)
{
    (void)state;
    struct bench b;
    open_staging(&b);
    uint64_t key = known(&b, ID, "Success", 0);
    assert_true(cache_settled(b.c, key));
    put_job(&b, key, "Success", 99, 100);
    assert_int_equal(b.events[CACHE_STAGED], 1);
    assert_true(cache_settled(b.c, key)); /* what is shown is still what it was */
    publish_newest(&b, key, 110);
    assert_false(cache_settled(b.c, key));
    cache_settle(b.c, key);
    assert_true(cache_settled(b.c, key));
    put_job(&b, key, "Success", 98, 200);
    publish_newest(&b, key, 210);
    put_job(&b, key, "Success", 97, 220);
    cache_settle(b.c, key); /* not with another version at the door */
    assert_false(cache_settled(b.c, key));
    bench_close(&b);
}

/* ---- two ages ---- */

static void a_list_confirms_what_lists_show_and_no_more(void **state)
{
    (void)state;
    struct bench b;
    struct reader any, get;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Init", 0);
    put_listed(&b, key, "Init", TTL - 1);
    struct cache_answer a;
    assert_int_equal(reader_read_need(&b, &any, key, CACHE_NEED_ANY, TTL + 5), CACHE_CONTENT);
    assert_false(any.got.stale);
    assert_true(any.got.fresh_for_ms == TTL - 6);
    reader_done(&any);
    cache_peek(b.c, key, CACHE_NEED_GET, TTL + 5, &a);
    assert_true(a.fresh_for_ms == 0 && a.stale);
    job_unref(a.job);
    struct cache_info info;
    assert_true(cache_info(b.c, key, CACHE_NEED_ANY, TTL + 5, &info));
    assert_true(info.age_ms == 6 && !info.stale);
    assert_true(info.fetched_real_ns == (TTL - 1) * INT64_C(1000000));
    assert_true(cache_info(b.c, key, CACHE_NEED_GET, TTL + 5, &info));
    assert_true(info.age_ms == TTL + 5 && info.stale);
    assert_true(info.fetched_real_ns == 0);
    assert_int_equal(reader_read_need(&b, &get, key, CACHE_NEED_GET, TTL + 5), CACHE_PARKED);
    put_listed(&b, key, "Init", TTL + 10); /* no answer to a Get */
    assert_int_equal(get.answers, 0);
    assert_int_equal(take_all(&b, NULL), 1);
    put_job(&b, key, "Init", 10, TTL + 20);
    assert_int_equal(get.answers, 1);
    assert_false(get.got.stale);
    reader_done(&get);
    bench_close(&b);
}

static void what_a_list_has_changed_answers_who_needs_no_get(void **state)
{
    (void)state;
    struct bench b;
    struct reader any, get;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Init", 0);
    assert_int_equal(reader_read_need(&b, &any, key, CACHE_NEED_ANY, TTL), CACHE_PARKED);
    assert_int_equal(reader_read_need(&b, &get, key, CACHE_NEED_GET, TTL), CACHE_PARKED);
    put_listed(&b, key, "Queuing", TTL + 10);
    assert_int_equal(b.events[CACHE_CHANGED], 1);
    assert_int_equal(any.answers, 1);
    assert_int_equal(job_status(any.got.job), JOB_STATUS_QUEUING);
    assert_int_equal(get.answers, 0);
    cache_expire(b.c, TTL + PATIENCE);
    assert_int_equal(get.answers, 1);
    assert_true(get.got.stale);
    reader_done(&any);
    reader_done(&get);
    bench_close(&b);
}

static void who_needs_a_get_of_a_job_known_from_a_list_waits_for_it(void **state)
{
    (void)state;
    struct bench b;
    struct reader any, get;
    struct cache_answer a;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    put_listed(&b, key, "Processing", 1);
    assert_int_equal(b.events[CACHE_CREATED], 1);
    assert_int_equal(reader_read_need(&b, &any, key, CACHE_NEED_ANY, 2), CACHE_CONTENT);
    assert_false(any.got.stale);
    reader_done(&any);
    assert_int_equal(cache_peek(b.c, key, CACHE_NEED_GET, 2, &a), CACHE_PARKED);
    assert_int_equal(reader_read_need(&b, &get, key, CACHE_NEED_GET, 2), CACHE_PARKED);
    assert_int_equal(take_all(&b, NULL), 1);
    cache_put_retry(b.c, key, API_TEMPORARY, API_NET_TIMEOUT, "slow", 3);
    assert_int_equal(get.answers, 0); /* there is nothing older for it */
    put_job(&b, key, "Processing", 10, 4);
    assert_int_equal(get.answers, 1);
    assert_false(job_partial(get.got.job));
    assert_int_equal(b.events[CACHE_CHANGED], 1);
    reader_done(&get);
    bench_close(&b);
}

static void without_that_get_there_is_the_fault_or_enoent(void **state)
{
    (void)state;
    struct bench b;
    struct reader any, get;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    put_listed(&b, key, "Processing", 1);
    take_all(&b, NULL);
    cache_put_fault(b.c, key, API_THROTTLED, API_NET_NONE, "not so fast", 2);
    assert_int_equal(reader_read_need(&b, &any, key, CACHE_NEED_ANY, TTL + 2), CACHE_PARKED);
    assert_int_equal(reader_read_need(&b, &get, key, CACHE_NEED_GET, TTL + 2), CACHE_PARKED);
    cache_put_fault(b.c, key, API_TEMPORARY, API_NET_UNREACHABLE, "gone", TTL + 3);
    assert_int_equal(any.answers, 1);
    assert_int_equal(any.got.verdict, CACHE_CONTENT);
    assert_int_equal(get.got.verdict, CACHE_FAULT);
    assert_int_equal(get.got.error, EHOSTUNREACH);
    reader_done(&any);
    assert_int_equal(reader_read_need(&b, &get, key, CACHE_NEED_GET, 2 * TTL), CACHE_PARKED);
    take_all(&b, NULL);
    cache_put_missing(b.c, key, 2 * TTL + 1);
    assert_int_equal(get.got.verdict, CACHE_MISSING);
    assert_int_equal(reader_read_need(&b, &any, key, CACHE_NEED_ANY, 2 * TTL + 2), CACHE_CONTENT);
    reader_done(&any); /* what is known stays known */
    bench_close(&b);
}

static void an_end_that_only_a_list_has_shown_still_wants_its_get(void **state)
{
    (void)state;
    struct bench b;
    struct cache_answer a;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 0);
    put_listed(&b, key, "Success", 100);
    cache_peek(b.c, key, CACHE_NEED_ANY, 10 * TTL, &a);
    assert_true(a.fresh_for_ms == INT64_MAX);
    job_unref(a.job);
    cache_peek(b.c, key, CACHE_NEED_GET, 10 * TTL, &a);
    assert_true(a.fresh_for_ms == 0 && a.stale);
    job_unref(a.job);
    put_job(&b, key, "Success", 10, 200);
    cache_peek(b.c, key, CACHE_NEED_GET, 10 * TTL, &a);
    assert_true(a.fresh_for_ms == INT64_MAX);
    job_unref(a.job);
    bench_close(&b);
}

static void a_get_reader_waits_on_when_a_lists_version_is_published(void **state)
{
    (void)state;
    struct bench b;
    struct reader any, get;
    open_staging(&b);
    uint64_t key = known(&b, ID, "Init", 0);
    assert_int_equal(reader_read_need(&b, &any, key, CACHE_NEED_ANY, TTL), CACHE_PARKED);
    assert_int_equal(reader_read_need(&b, &get, key, CACHE_NEED_GET, TTL), CACHE_PARKED);
    take_all(&b, NULL);
    put_listed(&b, key, "Queuing", TTL + 10);
    assert_int_equal(any.answers, 0);
    publish_newest(&b, key, TTL + 20);
    assert_int_equal(any.answers, 1);
    assert_int_equal(get.answers, 0); /* its Get is under way */
    put_job(&b, key, "Queuing", 20, TTL + 30);
    publish_newest(&b, key, TTL + 40);
    assert_int_equal(get.answers, 1);
    assert_false(get.got.stale);
    reader_done(&any);
    reader_done(&get);
    bench_close(&b);
}

static void list_items_of_what_nobody_knows_are_no_entry(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    struct job *item = job_new_partial(ID, "Init");
    cache_put_listed(b.c, 4711, item, 0, 0);
    uint64_t key;
    assert_null(cache_find(b.c, ID, &key));
    assert_null(cache_newest(b.c, 4711));
    job_unref(item);
    bench_close(&b);
}

/* ---- asked by live itself ---- */

static void readers_share_what_live_asks_of_itself(void **state)
{
    (void)state;
    struct bench b;
    struct reader r;
    char id[JOB_ID_MAX + 1];
    bench_open(&b);
    uint64_t key = known(&b, ID, "Init", 0);
    assert_false(cache_begin(b.c, 4711, TTL, id));
    assert_true(cache_begin(b.c, key, TTL, id));
    assert_string_equal(id, ID);
    assert_false(cache_begin(b.c, key, TTL, id));
    assert_int_equal(reader_read(&b, &r, key, TTL + 1), CACHE_PARKED);
    assert_int_equal(take_all(&b, NULL), 0);
    put_job(&b, key, "Init", 20, TTL + 10);
    assert_int_equal(r.answers, 1);
    reader_done(&r);
    /* What a reader wanted and nobody has taken yet is taken so too. */
    assert_int_equal(reader_read(&b, &r, key, 3 * TTL), CACHE_PARKED);
    assert_true(cache_begin(b.c, key, 3 * TTL + 1, id));
    assert_int_equal(take_all(&b, NULL), 0);
    put_job(&b, key, "Init", 30, 3 * TTL + 2);
    assert_int_equal(r.answers, 1);
    reader_done(&r);
    bench_close(&b);
}

static void while_down_a_probe_of_lives_own_is_the_probe(void **state)
{
    (void)state;
    struct bench b;
    struct reader r;
    char id[JOB_ID_MAX + 1];
    bench_open(&b);
    uint64_t key = known(&b, ID, "Init", 0), cold = key_of_name(&b, "cold-job", 0);
    take_all(&b, NULL);
    cache_put_fault(b.c, cold, API_TEMPORARY, API_NET_TIMEOUT, "t", 0);
    cache_service(b.c, true, EHOSTUNREACH);
    assert_true(cache_begin(b.c, key, 2000, id));
    assert_int_equal(reader_read(&b, &r, cold, 2100), CACHE_FAULT);
    assert_int_equal(r.got.error, EHOSTUNREACH);
    cache_put_fault(b.c, key, API_TEMPORARY, API_NET_TIMEOUT, "t", 2200);
    assert_int_equal(reader_read(&b, &r, cold, 2300), CACHE_PARKED); /* the next one */
    cache_put_fault(b.c, cold, API_TEMPORARY, API_NET_TIMEOUT, "t", 2400);
    bench_close(&b);
}

/* ---- use ---- */

static int touched(struct bench *b)
{
    uint64_t key;
    int n = 0;
    while (cache_take_touched(b->c, &key))
        n++;
    return n;
}

static void use_of_an_unfinished_job_is_passed_on_once_a_second(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Init", 0), other = known(&b, "other-job", "Init", 0);
    uint64_t ended = known(&b, "ended-job", "Failed", 0);
    uint64_t taken;
    for (int64_t now = 0; now < 1000; now += 10) {
        read_now(&b, key, now);
        cache_touch(b.c, other, now);
        cache_touch(b.c, ended, now);
        cache_touch(b.c, 4711, now);
    }
    assert_true(cache_take_touched(b.c, &taken));
    assert_true(taken == key);
    assert_true(cache_take_touched(b.c, &taken));
    assert_true(taken == other);
    assert_false(cache_take_touched(b.c, &taken));
    cache_touch(b.c, key, 999);
    assert_int_equal(touched(&b), 0);
    cache_touch(b.c, key, 1000);
    cache_touch(b.c, other, 1000);
    cache_touch(b.c, key, 2000); /* still in the queue: once is enough */
    assert_int_equal(touched(&b), 2);
    bench_close(&b);
}

static void only_a_use_after_a_pause_ends_lives_wait(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Init", 0), other = known(&b, "other-job", "Init", 0);
    int before = b.wakes;
    cache_touch(b.c, key, 0);
    assert_int_equal(b.wakes, before + 1);
    cache_touch(b.c, other, 0); /* live is awake */
    assert_int_equal(b.wakes, before + 1);
    assert_int_equal(touched(&b), 2);
    for (int64_t now = 1000; now < 20000; now += 1000) {
        cache_touch(b.c, key, now);
        touched(&b);
    }
    assert_int_equal(b.wakes, before + 1);
    cache_touch(b.c, key, 30000);
    assert_int_equal(b.wakes, before + 2);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_shown_when_it_is_published),
        cmocka_unit_test(a_newer_version_takes_the_place_of_the_staged_one),
        cmocka_unit_test(what_is_left_staged_is_freed_with_the_cache),
        cmocka_unit_test(readers_wait_for_the_publication),
        cmocka_unit_test(patience_ends_before_a_publication_that_never_comes),
        cmocka_unit_test(a_version_like_the_staged_one_is_no_news),
        cmocka_unit_test(a_settled_job_may_change_once_more),
        cmocka_unit_test(a_list_confirms_what_lists_show_and_no_more),
        cmocka_unit_test(what_a_list_has_changed_answers_who_needs_no_get),
        cmocka_unit_test(who_needs_a_get_of_a_job_known_from_a_list_waits_for_it),
        cmocka_unit_test(without_that_get_there_is_the_fault_or_enoent),
        cmocka_unit_test(an_end_that_only_a_list_has_shown_still_wants_its_get),
        cmocka_unit_test(a_get_reader_waits_on_when_a_lists_version_is_published),
        cmocka_unit_test(list_items_of_what_nobody_knows_are_no_entry),
        cmocka_unit_test(readers_share_what_live_asks_of_itself),
        cmocka_unit_test(while_down_a_probe_of_lives_own_is_the_probe),
        cmocka_unit_test(use_of_an_unfinished_job_is_passed_on_once_a_second),
        cmocka_unit_test(only_a_use_after_a_pause_ends_lives_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
