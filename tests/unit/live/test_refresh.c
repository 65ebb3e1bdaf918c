/* The refresh on real sockets: rounds of lists, the Gets that follow, and what is shown. */
#include "live/live_private.h"
#include "live/service.h"
#include "support/alloc_fail.h"

#define REFRESH 100

/* What the cache told of changes. */
struct told {
    pthread_mutex_t lock; /* protects all below */
    unsigned staged, changed;
    const struct job *before, *after; /* of the last, references */
    int64_t *delays;                  /* from a flip to its being known; NULL: not kept */
    size_t n_delays;
    struct service *service;
};

static struct service service;
static struct told told;

static void note_delay(struct told *t, const char *id, const struct job *before,
                       const struct job *after)
{
    if (!t->delays || !before || job_status(before) == job_status(after))
        return;
    LOCK_SCOPE(&t->service->lock);
    const struct service_job *j = service_find(t->service, id);
    if (j && j->flipped_ms)
        t->delays[t->n_delays++] = clock_mono_ms() - j->flipped_ms;
}

static void listen_changes(void *arg, enum cache_event event, uint64_t key, const char *id,
                           const struct job *before, const struct job *after)
{
    struct told *t = arg;
    (void)key;
    if (event != CACHE_STAGED && event != CACHE_CHANGED)
        return;
    LOCK_SCOPE(&t->lock);
    t->staged += event == CACHE_STAGED;
    t->changed += event == CACHE_CHANGED;
    job_unref(t->before);
    job_unref(t->after);
    t->before = job_ref(before);
    t->after = job_ref(after);
    note_delay(t, id, before, after);
}

static void open_service(struct world *w, size_t n, const char *status, struct setting s)
{
    service_init(&service, n, status);
    told = (struct told){.service = &service};
    mutex_init(&told.lock);
    *w = world_with_keys();
    w->serve = service_serve;
    w->serve_arg = &service;
    world_make(w, NULL, 0, s);
    cache_listen(w->cache, listen_changes, &told);
}

static void start(struct world *w)
{
    MUST(creds_start(w->creds, live_wake, w->live, err) == 0);
    MUST(live_start(w->live, err) == 0);
}

static void close_service(struct world *w)
{
    world_close(w);
    job_unref(told.before);
    job_unref(told.after);
    mutex_destroy(&told.lock);
    cond_destroy(&service.let_go);
    mutex_destroy(&service.lock);
}

/* Put into the cache what a reader would have fetched. Returns the key. */
static uint64_t know(struct world *w, size_t i)
{
    char body[512];
    uint64_t key = 0;
    struct cache_answer a;
    struct text t = {.to = body, .room = sizeof(body)};
    struct service_job *j = &service.jobs[i];
    text_add(&t, "{\"RequestId\":\"R\",\"MediaProducingJob\":{");
    service_add_members(&t, &service, j);
    text_add(&t, ",\"Progress\":%d}}", j->progress);
    struct job_facts *facts = NULL;
    cache_lookup(w->cache, j->id, clock_mono_ms(), &key, &facts, &a);
    job_facts_unref(facts);
    uint64_t wanted;
    char id[JOB_ID_MAX + 1];
    cache_take_wanted(w->cache, &wanted, id);
    struct job *before = cache_newest(w->cache, key);
    struct job *job = job_from_get(j->id, body, t.len, before, clock_real_ns(), NULL);
    assert_non_null(job);
    cache_put_job(w->cache, key, job, clock_mono_ms(), clock_real_ns());
    job_unref(before);
    job_unref(job);
    return key;
}

static void know_all(struct world *w)
{
    for (size_t i = 0; i < service.n; i++)
        know(w, i);
}

static const struct setting usual = {.timeout_ms = 2000, .qps = 2000, .refresh_ms = REFRESH};

static bool shows(struct world *w, uint64_t key, const char *name, const char *content)
{
    struct job *job = cache_current(w->cache, key);
    const struct job_field *f = job_find(job, name);
    bool same = content ? f && strcmp(f->data, content) == 0 : !f;
    job_unref(job);
    return same;
}

/* ---- lists ---- */

static void a_change_that_a_list_shows_is_got_and_staged_whole(void **state)
{
    (void)state;
    struct world w;
    open_service(&w, 150, "Queuing", usual);
    cache_stage_changes(w.cache, true);
    know_all(&w);
    uint64_t key = know(&w, 120);
    start(&w);
    AWAIT(SERVICE(&service, lists) >= 6); /* two pages a round: by now Gets are rare */
    mutex_lock(&service.lock);
    service.jobs[120].progress = 7;
    service.jobs[120].status = "Processing";
    mutex_unlock(&service.lock);
    AWAIT(SERVICE(&told, staged) == 1);
    assert_true(shows(&w, key, "status", "Queuing\n"));
    mutex_lock(&told.lock);
    assert_int_equal(job_status(told.after), JOB_STATUS_PROCESSING);
    assert_string_equal(job_find(told.after, "progress")->data, "7\n");
    cache_publish(w.cache, key, told.after, clock_mono_ms());
    mutex_unlock(&told.lock);
    assert_true(shows(&w, key, "status", "Processing\n"));
    assert_int_equal(SERVICE(&told, changed), 0);
    mutex_lock(&service.lock);
    assert_false(service.tokens_wrong);
    assert_non_null(strstr(service.first_query, "MaxResults=100"));
    assert_non_null(strstr(service.first_query, "SortBy=CreationTime%3AAsc"));
    assert_non_null(strstr(service.first_query, "StartTime="));
    mutex_unlock(&service.lock);
    close_service(&w);
}

static void other_fields_of_an_item_are_laid_over_without_a_get(void **state)
{
    (void)state;
    struct world w;
    open_service(&w, 40, "Queuing", usual);
    know_all(&w);
    uint64_t key = know(&w, 5);
    start(&w);
    AWAIT(SERVICE(&service, jobs[5].gets) >= 3);
    mutex_lock(&service.lock);
    service.get_code = "InternalError"; /* so that it cannot come from there */
    service.get_status = 500;
    service.jobs[5].message = "wait";
    mutex_unlock(&service.lock);
    AWAIT(shows(&w, key, "message", "wait\n"));
    assert_true(shows(&w, key, "progress", "0\n"));
    struct cache_answer a;
    cache_peek(w.cache, key, CACHE_NEED_ANY, clock_mono_ms(), &a);
    assert_true(a.fresh_for_ms > 0);
    job_unref(a.job);
    close_service(&w);
}

static void what_a_list_shows_is_shown_if_get_fails(void **state)
{
    (void)state;
    struct world w;
    open_service(&w, 40, "Queuing", usual);
    know_all(&w);
    uint64_t key = know(&w, 9);
    start(&w);
    AWAIT(SERVICE(&service, lists) >= 3);
    mutex_lock(&service.lock);
    service.get_code = "InvalidParameter"; /* no outage: lists go on */
    service.get_status = 400;
    mutex_unlock(&service.lock);
    service_set_status(&service, 9, "Failed");
    AWAIT(shows(&w, key, "status", "Failed\n"));
    assert_true(shows(&w, key, "progress", "0\n"));
    struct cache_info info;
    assert_true(cache_info(w.cache, key, CACHE_NEED_ANY, clock_mono_ms(), &info));
    AWAIT((cache_info(w.cache, key, CACHE_NEED_GET, clock_mono_ms(), &info), info.stale));
    close_service(&w);
}

static void a_job_that_left_the_list_of_its_status_is_asked_at_once(void **state)
{
    (void)state;
    struct world w;
    open_service(&w, 1000, "Success", usual);
    uint64_t key = 0;
    for (size_t i = 0; i < 30; i++) {
        service.jobs[i].status = "Processing";
        key = know(&w, i);
    }
    start(&w);
    AWAIT(SERVICE(&service, lists) >= 30);       /* it has learnt what the list of all costs */
    service_set_status(&service, 29, "Queuing"); /* which no list can be narrowed to */
    AWAIT(shows(&w, key, "status", "Queuing\n"));
    AWAIT(shows(&w, key, "status", "Queuing\n"));
    mutex_lock(&service.lock);
    int64_t took = clock_mono_ms() - service.jobs[29].flipped_ms;
    mutex_unlock(&service.lock);
    assert_in_range(took, 0, 10 * REFRESH); /* its own Get could be that far away */
    close_service(&w);
}

static void denied_lists_are_not_asked_for_again_and_gets_go_on(void **state)
{
    (void)state;
    struct world w;
    open_service(&w, 20, "Queuing", usual);
    service.list_code = "Forbidden.RAM";
    service.list_status = 403;
    uint64_t key = know(&w, 3);
    know_all(&w);
    start(&w);
    AWAIT(SERVICE(&service, lists) == 1);
    unsigned gets = SERVICE(&service, gets);
    AWAIT(SERVICE(&service, gets) >= gets + 40);
    service_set_status(&service, 3, "Failed");
    AWAIT(shows(&w, key, "status", "Failed\n"));
    assert_int_equal(SERVICE(&service, lists), 1);
    close_service(&w);
}

static void a_page_that_fails_ends_the_round_and_the_next_one_begins_anew(void **state)
{
    (void)state;
    struct world w;
    open_service(&w, 250, "Queuing", usual);
    service.pages_max = 1;
    know_all(&w);
    start(&w);
    AWAIT(SERVICE(&service, jobs[0].lists) >= 3);
    AWAIT(SERVICE(&service, jobs[249].gets) > 0);
    assert_int_equal(SERVICE(&service, jobs[249].lists), 0);
    mutex_lock(&service.lock);
    service.pages_max = 0;
    mutex_unlock(&service.lock);
    AWAIT(SERVICE(&service, jobs[249].lists) > 0);
    close_service(&w);
}

/* ---- Gets ---- */

static void a_job_that_has_ended_is_asked_no_more(void **state)
{
    (void)state;
    struct world w;
    open_service(&w, 2, "Processing", usual);
    know_all(&w);
    start(&w);
    AWAIT(SERVICE(&service, gets) >= 2);
    service_set_status(&service, 0, "Failed");
    service_set_status(&service, 1, "Failed");
    AWAIT(SERVICE(&told, changed) == 2);
    /* The round of lists under way may still end; after it there is silence. */
    unsigned before, after = SERVICE(&service, gets) + SERVICE(&service, lists);
    for (int i = 0; i < 3; i++) {
        before = after;
        usleep(5 * REFRESH * 1000);
        after = SERVICE(&service, gets) + SERVICE(&service, lists);
        if (after == before)
            break;
    }
    assert_int_equal(after, before);
    close_service(&w);
}

static void a_job_in_use_is_asked_at_the_full_pace_and_others_less_often(void **state)
{
    (void)state;
    struct world w;
    open_service(&w, 2, "Processing", usual);
    uint64_t key = know(&w, 0);
    know(&w, 1);
    start(&w);
    while (SERVICE(&service, jobs[0].gets) < 20) {
        cache_touch(w.cache, key, clock_mono_ms());
        usleep(REFRESH * 1000 / 2);
    }
    /* The other one's pause doubles each time. In figures: test_schedule. */
    assert_in_range(SERVICE(&service, jobs[1].gets), 2, 10);
    close_service(&w);
}

static void readers_of_a_job_that_the_refresh_asks_for_share_its_call(void **state)
{
    (void)state;
    struct world w;
    open_service(&w, 1, "Processing",
                 (struct setting){
                     .timeout_ms = 10000, .qps = 2000, .refresh_ms = REFRESH, .patience_ms = 9000});
    uint64_t key = know(&w, 0);
    service.hold_gets = true;
    service.jobs[0].progress = 1;
    start(&w);
    AWAIT(SERVICE(&service, gets) == 1); /* the refresh's own: nobody reads */
    struct reader r[8];
    for (int i = 0; i < 8; i++) {
        struct cache_answer a;
        r[i] = (struct reader){.w.answer = reader_answer, .world = &w};
        /* By a time at which the content is old. */
        assert_int_equal(
            cache_read(w.cache, key, CACHE_NEED_GET, clock_mono_ms() + TTL, &r[i].w, &a),
            CACHE_PARKED);
    }
    mutex_lock(&service.lock);
    service.jobs[0].progress = 2; /* what calls of their own would bring */
    mutex_unlock(&service.lock);
    service_let_go(&service);
    for (int i = 0; i < 8; i++) {
        reader_await(&r[i]);
        assert_string_equal(job_find(r[i].got.job, "progress")->data, "1\n");
        job_unref(r[i].got.job);
    }
    close_service(&w);
}

static void after_an_outage_a_round_begins_at_once(void **state)
{
    (void)state;
    struct world w;
    /* So many that some are always due: a first second of calls leaves half of them untried. */
    open_service(&w, 100, "Queuing",
                 (struct setting){.timeout_ms = 2000, .qps = 20, .refresh_ms = 3000});
    service.get_code = service.list_code = "ServiceUnavailable";
    service.get_status = service.list_status = 503;
    know_all(&w);
    start(&w);
    struct live_health h;
    AWAIT((live_health(w.live, &h), h.service_down && h.inflight == 0));
    mutex_lock(&service.lock);
    unsigned before = service.gets + service.lists;
    mutex_unlock(&service.lock);
    int64_t down_ms = clock_mono_ms();
    AWAIT(clock_mono_ms() - down_ms >= 1500);
    mutex_lock(&service.lock);
    /* One probe a second. */
    assert_in_range(service.gets + service.lists - before, 1,
                    1 + (clock_mono_ms() - down_ms) / 1000);
    service.get_code = service.list_code = NULL;
    unsigned lists = service.lists;
    mutex_unlock(&service.lock);
    AWAIT((live_health(w.live, &h), !h.service_down));
    int64_t up_ms = clock_mono_ms();
    AWAIT(SERVICE(&service, lists) > lists);
    assert_in_range(clock_mono_ms() - up_ms, 0, 2500);
    close_service(&w);
}

/* Between two of the first `n` calls. */
static int64_t longest_pause(const struct world *w, unsigned n)
{
    int64_t longest = 0;
    for (unsigned i = 1; i < n; i++)
        if (w->at_ms[i] - w->at_ms[i - 1] > longest)
            longest = w->at_ms[i] - w->at_ms[i - 1];
    return longest;
}

static void throttled_the_refresh_waits_as_it_is_told(void **state)
{
    (void)state;
    struct world w;
    open_service(&w, 10, "Queuing", usual);
    know_all(&w);
    service.get_code = service.list_code = "Throttling.User";
    service.get_status = service.list_status = 400;
    service.get_headers = "x-acs-retry-after: 700";
    start(&w);
    struct live_health h;
    AWAIT((live_health(w.live, &h), h.pace < 2000 && h.inflight == 0));
    mutex_lock(&service.lock);
    service.get_code = service.list_code = NULL;
    unsigned calls = service.gets + service.lists;
    mutex_unlock(&service.lock);
    AWAIT(SERVICE(&service, gets) + SERVICE(&service, lists) > calls);
    assert_true(longest_pause(&w, calls + 1) >= 600);
    close_service(&w);
}

/* ---- how fast ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void a_status_is_known_within_refresh_and_a_little(void **state)
{
    (void)state;
    enum { N = 1000, FLIPS = 400, FAST = 500 };
    struct world w;
    open_service(&w, N, "Queuing",
                 (struct setting){.timeout_ms = 5000, .qps = 5000, .refresh_ms = FAST});
    told.delays = calloc(N, sizeof(*told.delays));
    know_all(&w);
    start(&w);
    AWAIT(SERVICE(&service, lists) >= 10);
    for (size_t i = 0; i < FLIPS; i++) {
        service_set_status(&service, i * 7 % N, "Processing");
        usleep(2000);
    }
    AWAIT(SERVICE(&told, n_delays) == FLIPS);
    qsort(told.delays, told.n_delays, sizeof(*told.delays), by_size);
    int64_t p99 = told.delays[FLIPS * 99 / 100];
    print_message("of 1,000 jobs: half of the changes known after %d ms, 99 of 100 after %d ms, "
                  "refresh = %d ms\n",
                  (int)told.delays[FLIPS / 2], (int)p99, FAST);
    /* A busy machine is allowed for; by Gets alone half of them would take 6 * FAST. */
    assert_in_range(told.delays[FLIPS / 2], 1, 3 * FAST);
    assert_in_range(p99, 1, 10 * FAST);
    free(told.delays);
    struct live_health h;
    live_health(w.live, &h);
    assert_true(h.lag_ms < 10 * FAST);
    close_service(&w);
}

static void health_tells_that_calls_are_short(void **state)
{
    (void)state;
    struct world w;
    open_service(&w, 60, "Queuing",
                 (struct setting){.timeout_ms = 5000, .qps = 4, .refresh_ms = REFRESH});
    know_all(&w);
    start(&w);
    struct live_health h;
    AWAIT((live_health(w.live, &h), h.behind && h.lag_ms > REFRESH));
    close_service(&w);
}

/* ---- memory ---- */

/* The job is in the schedule, and its next Get is a while away. */
static void plan_later(struct world *w, uint64_t key, int64_t refresh_ms)
{
    struct schedule *s = w->live->schedule;
    int64_t now = clock_mono_ms();
    const struct schedule_job facts = {.status = JOB_STATUS_QUEUING,
                                       .create_s = clock_real_ns() / NS_PER_S - SERVICE_BORN_S};
    assert_int_equal(schedule_add(s, key, &facts, now - refresh_ms), 0);
    schedule_asked(s, key, now);
    schedule_got(s, key, &facts, false, now);
}

/* A change that a list shows, all on this thread. Returns whether an allocation failed. */
static bool refresh_once(unsigned n)
{
    enum { FAST = 40 };
    struct world w;
    open_service(&w, 3, "Queuing",
                 (struct setting){.timeout_ms = 2000, .qps = 1000, .refresh_ms = FAST});
    cache_stage_changes(w.cache, true);
    for (size_t i = 0; i < 3; i++)
        plan_later(&w, know(&w, i), FAST);
    service_set_status(&service, 1, "Processing");
    alloc_fail_at(n);
    for (int64_t until = clock_mono_ms() + 5000; SERVICE(&told, staged) == 0;) {
        assert_true(clock_mono_ms() < until);
        live_turn(w.live);
    }
    bool fired = alloc_fail_fired();
    if (!fired)
        assert_int_equal(SERVICE(&service, jobs[1].gets), 1);
    close_service(&w);
    return fired;
}

static void a_change_is_seen_whichever_allocation_fails(void **state)
{
    (void)state;
    unsigned n = 1;
    while (refresh_once(n))
        n++;
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_that_a_list_shows_is_got_and_staged_whole),
        cmocka_unit_test(other_fields_of_an_item_are_laid_over_without_a_get),
        cmocka_unit_test(what_a_list_shows_is_shown_if_get_fails),
        cmocka_unit_test(a_job_that_left_the_list_of_its_status_is_asked_at_once),
        cmocka_unit_test(denied_lists_are_not_asked_for_again_and_gets_go_on),
        cmocka_unit_test(a_page_that_fails_ends_the_round_and_the_next_one_begins_anew),
        cmocka_unit_test(a_job_that_has_ended_is_asked_no_more),
        cmocka_unit_test(a_job_in_use_is_asked_at_the_full_pace_and_others_less_often),
        cmocka_unit_test(readers_of_a_job_that_the_refresh_asks_for_share_its_call),
        cmocka_unit_test(after_an_outage_a_round_begins_at_once),
        cmocka_unit_test(throttled_the_refresh_waits_as_it_is_told),
        cmocka_unit_test(a_status_is_known_within_refresh_and_a_little),
        cmocka_unit_test(health_tells_that_calls_are_short),
        cmocka_unit_test(a_change_is_seen_whichever_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
