/* The refresh thread on real sockets: one call for many readers, the budget, the queue, the end. */
#include "live/fixture.h"
#include "support/alloc_fail.h"

static const struct step ok[] = {{0}};
static const struct setting usual = {.timeout_ms = 2000, .qps = 100};

static void sixty_four_readers_of_a_cold_job_cost_one_call(void **state)
{
    (void)state;
    static const struct step steps[] = {{.delay_ms = 50}};
    struct world w = world_with_keys();
    world_open(&w, steps, 1, usual);
    struct reader r[64];
    for (int i = 0; i < 64; i++)
        reader_start(&w, &r[i], ID);
    for (int i = 0; i < 64; i++) {
        reader_wait(&r[i]);
        assert_int_equal(r[i].got.verdict, CACHE_CONTENT);
        assert_false(r[i].got.stale);
    }
    assert_int_equal(w.calls, 1);
    world_close(&w);
}

static void content_past_its_ttl_is_renewed_by_a_read(void **state)
{
    (void)state;
    struct world w = world_with_keys();
    world_open(&w, ok, 1, usual);
    assert_int_equal(read_job(&w, ID).got.verdict, CACHE_CONTENT);
    assert_int_equal(read_job(&w, ID).got.verdict, CACHE_CONTENT);
    assert_int_equal(w.calls, 1);
    usleep((TTL + 10) * 1000);
    struct reader r = read_job(&w, ID);
    assert_false(r.got.stale);
    assert_int_equal(w.calls, 2);
    world_close(&w);
}

/* The most calls that came in within any second. */
static unsigned busiest_second(const struct world *w, unsigned n)
{
    unsigned most = 0, from = 0;
    for (unsigned to = 0; to < n; to++) {
        while (w->at_ms[to] - w->at_ms[from] >= 1000)
            from++;
        most = to - from + 1 > most ? to - from + 1 : most;
    }
    return most;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Read `n` cold jobs at once; returns how long all of them took. */
static int64_t read_cold(struct world *w, unsigned n)
{
    struct reader *r = calloc(n, sizeof(*r));
    int64_t begun = clock_mono_ms();
    for (unsigned i = 0; i < n; i++) {
        char id[32];
        snprintf(id, sizeof(id), "cold-job-%08u", i);
        reader_start(w, &r[i], id);
    }
    for (unsigned i = 0; i < n; i++) {
        reader_wait(&r[i]);
        assert_int_equal(r[i].got.verdict, CACHE_CONTENT);
    }
    free(r);
    int64_t took = clock_mono_ms() - begun;
    assert_int_equal(w->calls, n);
    qsort((void *)w->at_ms, n, sizeof(w->at_ms[0]), by_time);
    return took;
}

static void a_thousand_cold_jobs_take_about_a_second_at_a_thousand_a_second(void **state)
{
    (void)state;
    struct world w = world_with_keys();
    world_open(&w, ok, 1, (struct setting){.timeout_ms = 10000, .qps = 1000});
    int64_t took = read_cold(&w, 1000);
    print_message("1,000 cold jobs at 1,000 calls a second: %d ms\n", (int)took);
    assert_in_range(took, 900, 5000);
    assert_in_range(busiest_second(&w, 1000), 1, 1000);
    world_close(&w);
}

static void the_budget_holds_whatever_readers_want(void **state)
{
    (void)state;
    struct world w = world_with_keys();
    world_open(&w, ok, 1, (struct setting){.timeout_ms = 10000, .qps = 10});
    int64_t took = read_cold(&w, 15);
    assert_in_range(took, 1000, 8000);
    assert_in_range(busiest_second(&w, 15), 5, 10);
    world_close(&w);
}

static void calls_under_way_have_a_ceiling(void **state)
{
    (void)state;
    static const struct step steps[] = {{.delay_ms = 100}};
    struct world w = world_with_keys();
    world_open(&w, steps, 1, (struct setting){.timeout_ms = 5000, .qps = 1000, .inflight = 2});
    struct reader r[6];
    char id[32];
    for (int i = 0; i < 6; i++) {
        snprintf(id, sizeof(id), "some-job-%d", i);
        reader_start(&w, &r[i], id);
    }
    for (int i = 0; i < 6; i++)
        reader_wait(&r[i]);
    assert_true(reader_took(&r[5]) >= 290); /* three rounds of two */
    world_close(&w);
}

static void who_gave_up_in_the_queue_costs_no_call(void **state)
{
    (void)state;
    struct world w = world_with_keys();
    world_open(&w, ok, 1, (struct setting){.timeout_ms = 5000, .qps = 1});
    struct reader r[3];
    for (int i = 0; i < 3; i++) {
        char id[32];
        snprintf(id, sizeof(id), "some-job-%d", i);
        reader_start(&w, &r[i], id);
    }
    assert_true(cache_cancel(w.cache, &r[2].w));
    reader_wait(&r[0]);
    reader_wait(&r[1]);
    assert_int_equal(r[1].got.verdict, CACHE_CONTENT);
    struct live_health h;
    AWAIT((live_health(w.live, &h), h.waiting == 0));
    assert_int_equal(w.calls, 2);
    world_close(&w);
}

static void health_tells_what_is_going_on(void **state)
{
    (void)state;
    static const struct step steps[] = {{0}, {.status = 403, .code = "Forbidden.RAM"}, {.hang = 1}};
    struct world w = world_with_keys();
    world_open(&w, steps, 3, usual);
    struct live_health h;
    live_health(w.live, &h);
    assert_int_equal(h.last_answer_ms, 0);
    assert_true(h.pace == 100.0);
    read_job(&w, ID);
    live_health(w.live, &h);
    assert_true(h.last_answer_ms > 0);
    assert_true(h.last_success_real_ns > 0);
    assert_string_equal(h.last_error, "");
    read_job(&w, "denied-job");
    live_health(w.live, &h);
    assert_non_null(strstr(h.last_error, "Forbidden.RAM"));
    assert_false(h.service_down);
    struct reader r;
    reader_start(&w, &r, "hanging-job");
    AWAIT((live_health(w.live, &h), h.inflight == 1));
    world_stop(&w);
    reader_wait(&r);
    assert_int_equal(r.got.error, ENOTCONN);
    world_close(&w);
}

static void stopping_with_calls_under_way_leaves_nothing_behind(void **state)
{
    (void)state;
    static const struct step steps[] = {{.hang = 1}};
    struct world w = world_with_keys();
    world_open(&w, steps, 1, (struct setting){.timeout_ms = 60000, .qps = 3});
    struct reader r[6];
    char id[32];
    for (int i = 0; i < 6; i++) { /* three under way, three in the queue */
        snprintf(id, sizeof(id), "some-job-%d", i);
        reader_start(&w, &r[i], id);
    }
    AWAIT(w.calls == 3);
    world_stop(&w);
    for (int i = 0; i < 6; i++)
        reader_wait(&r[i]);
    /* The other order of taking down than world_close: the engine first. */
    creds_free(w.creds);
    http_free(w.http);
    ice_free(w.ice);
    live_free(w.live);
    cache_free(w.cache);
    httpd_stop(w.server);
    cond_destroy(&w.answered);
    mutex_destroy(&w.lock);
}

static void what_cannot_be_made_is_said(void **state)
{
    (void)state;
    struct err err = {""};
    struct live_config config = {.qps = 10, .timeout_ms = 1000};
    for (unsigned n = 1; n <= 2; n++) {
        alloc_fail_at(n);
        assert_null(live_new(&config, &err));
        assert_true(alloc_fail_fired());
        assert_non_null(strstr(err.text, "out of memory"));
    }
    config.qps = 0;
    assert_null(live_new(&config, &err));
    live_free(NULL);
    live_wake(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixty_four_readers_of_a_cold_job_cost_one_call),
        cmocka_unit_test(content_past_its_ttl_is_renewed_by_a_read),
        cmocka_unit_test(a_thousand_cold_jobs_take_about_a_second_at_a_thousand_a_second),
        cmocka_unit_test(the_budget_holds_whatever_readers_want),
        cmocka_unit_test(calls_under_way_have_a_ceiling),
        cmocka_unit_test(who_gave_up_in_the_queue_costs_no_call),
        cmocka_unit_test(health_tells_what_is_going_on),
        cmocka_unit_test(stopping_with_calls_under_way_leaves_nothing_behind),
        cmocka_unit_test(what_cannot_be_made_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
