/* Discovery against simulated services in simulated time: thousands of jobs, windows, births while
 * pages are turned, tokens of both kinds, failures. Nothing is missed. */
#include "live/discover.h"
#include "support/alloc_fail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY_S    INT64_C(86400)
#define HOUR_MS  INT64_C(3600000)
#define EPOCH_S  INT64_C(1800000000) /* real seconds at time 0 */
#define HEAD_MS  INT64_C(5000)
#define CALL_MS  40
#define LIMIT_S  (30 * DAY_S)
#define JOBS_MAX 20000

/* Sorted by birth; of one second, in the order of their numbers. */
struct one {
    int64_t create_s;
    int64_t listed_s; /* lists show it from here on */
    bool known;
    bool named; /* by a reader, not by a list */
    int64_t known_ms;
};

struct service {
    struct one jobs[JOBS_MAX];
    size_t n;
    uint64_t seed;
    bool offsets;         /* tokens count jobs; else they name the last one */
    bool edges_excluded;  /* StartTime and EndTime do not belong to the range */
    unsigned page;        /* jobs on one, at most */
    unsigned fail_in_100; /* calls that fail for now */
    unsigned lose_in_100; /* tokens that are refused */
    bool whole_pages;     /* else one in four is shorter than it might be */
    bool refuse_all;
    int64_t error_s; /* its clock, less ours */

    struct discover *d;
    int64_t now_ms;
    unsigned calls, pages;
    unsigned by_look[DISCOVER_LOOKS];
    unsigned firsts; /* calls without a token */
    int64_t longest_s;
};

static uint64_t draw(struct service *s, uint64_t below)
{
    s->seed = s->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (s->seed >> 33) % below;
}

static int64_t real_s(const struct service *s)
{
    return EPOCH_S + s->now_ms / 1000;
}

static struct service *service_new(uint64_t seed)
{
    struct service *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->seed = seed * 7919 + 1;
    s->page = 100;
    return s;
}

static void service_free(struct service *s)
{
    discover_free(s->d);
    free(s);
}

static void start(struct service *s, int64_t window_s)
{
    const struct discover_config config = {.window_s = window_s, .head_ms = HEAD_MS};
    s->d = discover_new(&config, real_s(s), s->now_ms, NULL);
    assert_non_null(s->d);
}

static void add_job(struct service *s, int64_t create_s)
{
    assert_true(s->n < JOBS_MAX);
    size_t at = s->n++;
    for (; at > 0 && s->jobs[at - 1].create_s > create_s; at--)
        s->jobs[at] = s->jobs[at - 1];
    s->jobs[at] = (struct one){.create_s = create_s, .listed_s = create_s};
}

/* ---- a list ---- */

static bool in_range(const struct service *s, const struct one *j, const struct discover_query *q)
{
    int64_t now_s = real_s(s) + s->error_s;
    int64_t edge = s->edges_excluded ? 1 : 0;
    return j->listed_s <= now_s && j->create_s >= q->start_s + edge &&
           (q->end_s == DISCOVER_NOW || j->create_s <= q->end_s - edge);
}

/* Where the page begins: so many of the range to pass by, or the first job behind the last one. */
static size_t first_of(const struct service *s, const char *token, unsigned *skip)
{
    long long create_s;
    size_t at = s->n;
    *skip = 0;
    if (!token)
        return s->n;
    if (sscanf(token, "skip %u", skip) == 1)
        return s->n;
    assert_int_equal(sscanf(token, "after %lld", &create_s), 1);
    unsigned of_second = (unsigned)strtoul(strrchr(token, ' '), NULL, 10);
    while (at > 0 && s->jobs[at - 1].create_s > create_s)
        at--;
    size_t end = at;
    while (end > 0 && s->jobs[end - 1].create_s == create_s)
        end--;
    return end + of_second; /* those with a lower number of that second are to come */
}

static unsigned number_in_second(const struct service *s, size_t at)
{
    size_t first = at;
    while (first > 0 && s->jobs[first - 1].create_s == s->jobs[at].create_s)
        first--;
    return (unsigned)(at - first);
}

static void take(struct service *s, size_t at, struct discover_page *page)
{
    struct one *j = &s->jobs[at];
    if (page->newest_s == DISCOVER_NO_TIME)
        page->newest_s = j->create_s;
    page->oldest_s = j->create_s;
    if (j->known)
        return;
    page->fresh++;
    page->fresh_s = j->create_s;
    j->known_ms = s->now_ms;
    j->known = true;
}

static void answer(struct service *s, enum discover_look look, const struct discover_query *q)
{
    char token[64];
    struct discover_page page = {DISCOVER_NO_TIME, DISCOVER_NO_TIME, 0, DISCOVER_NO_TIME, NULL};
    unsigned skip, passed = 0, shown = 0;
    bool is_short = !s->whole_pages && draw(s, 4) == 0;
    unsigned room = is_short ? 1 + (unsigned)draw(s, s->page) : s->page;
    size_t at = first_of(s, q->token, &skip);
    for (; at > 0 && shown < room; at--) {
        if (!in_range(s, &s->jobs[at - 1], q))
            continue;
        if (passed++ < skip)
            continue;
        shown++;
        take(s, at - 1, &page);
        if (s->offsets)
            snprintf(token, sizeof token, "skip %u", passed);
        else
            snprintf(token, sizeof token, "after %lld %u", (long long)s->jobs[at - 1].create_s,
                     number_in_second(s, at - 1));
    }
    bool more = false;
    for (; at > 0 && !more; at--)
        more = in_range(s, &s->jobs[at - 1], q);
    page.next_token = more ? token : NULL;
    s->pages++;
    discover_shown(s->d, look, &page, s->now_ms);
}

static void check_query(struct service *s, const struct discover_query *q)
{
    int64_t now_s = real_s(s) + s->error_s;
    int64_t end_s = q->end_s == DISCOVER_NOW ? now_s : q->end_s;
    assert_true(q->start_s <= end_s);
    if (end_s - q->start_s > s->longest_s)
        s->longest_s = end_s - q->start_s;
}

static void call(struct service *s, enum discover_look look)
{
    discover_begin(s->d, look, real_s(s), s->now_ms);
    assert_int_equal(discover_due_ms(s->d, look), INT64_MAX);
    struct discover_query q = discover_query(s->d, look, real_s(s));
    s->now_ms += CALL_MS;
    s->calls++;
    s->by_look[look]++;
    s->firsts += !q.token;
    check_query(s, &q);
    if (draw(s, 100) < s->fail_in_100)
        discover_failed(s->d, look, false, 200 + (int64_t)draw(s, 1000), s->now_ms);
    else if (s->refuse_all || (q.token && draw(s, 100) < s->lose_in_100))
        discover_failed(s->d, look, true, 0, s->now_ms);
    else
        answer(s, look, &q);
}

/* The next call that is due by then, and the time that passes before it. */
static bool step(struct service *s, int64_t until_ms)
{
    enum discover_look first = DISCOVER_HEAD;
    for (enum discover_look look = 0; look < DISCOVER_LOOKS; look++)
        if (discover_due_ms(s->d, look) < discover_due_ms(s->d, first))
            first = look;
    int64_t due = discover_due_ms(s->d, first);
    if (due > until_ms)
        return false;
    if (due > s->now_ms)
        s->now_ms = due;
    call(s, first);
    return true;
}

static void run_until(struct service *s, int64_t until_ms)
{
    while (step(s, until_ms))
        ;
    if (s->now_ms < until_ms)
        s->now_ms = until_ms;
}

static void sweep(struct service *s)
{
    int64_t limit_ms = s->now_ms + 1000 * HOUR_MS;
    while (discover_sweeping(s->d))
        assert_true(step(s, limit_ms));
}

/* Jobs created from then on that nobody knows. */
static size_t unknown_since(const struct service *s, int64_t from_s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += s->jobs[i].create_s >= from_s && !s->jobs[i].known;
    return n;
}

/* ---- the sweep ---- */

static void ten_thousand_jobs_take_a_hundred_pages(void **state)
{
    (void)state;
    struct service *s = service_new(1);
    for (size_t i = 0; i < 10000; i++)
        add_job(s, EPOCH_S - DAY_S + 5 + (int64_t)i * 8);
    s->whole_pages = true;
    start(s, DAY_S);
    sweep(s);
    assert_int_equal(s->by_look[DISCOVER_SWEEP], 100);
    assert_int_equal(s->calls, 100);
    assert_int_equal(unknown_since(s, 0), 0);
    assert_int_equal(discover_due_ms(s->d, DISCOVER_SWEEP), INT64_MAX);
    service_free(s);
}

static void a_year_takes_thirteen_spans_and_none_is_longer_than_allowed(void **state)
{
    (void)state;
    for (int64_t error_s = -1800; error_s <= 1800; error_s += 900) {
        struct service *s = service_new(1);
        s->error_s = error_s;
        start(s, 365 * DAY_S);
        sweep(s);
        assert_int_equal(s->by_look[DISCOVER_SWEEP], 13);
        assert_in_range(s->longest_s, 29 * DAY_S, LIMIT_S);
        assert_int_equal(discover_reached_s(s->d), EPOCH_S - 365 * DAY_S);
        service_free(s);
    }
}

static void a_first_page_that_had_to_wait_for_a_week_still_spans_no_more_than_allowed(void **state)
{
    (void)state;
    struct service *s = service_new(3);
    for (int64_t age_s = 0; age_s < 60 * DAY_S; age_s += 3600)
        add_job(s, EPOCH_S - age_s);
    start(s, 60 * DAY_S);
    s->fail_in_100 = 100;
    run_until(s, 7 * 24 * HOUR_MS);
    s->fail_in_100 = 0;
    sweep(s);
    assert_in_range(s->longest_s, 29 * DAY_S, LIMIT_S);
    assert_int_equal(unknown_since(s, EPOCH_S - 60 * DAY_S), 0);
    service_free(s);
}

static void progress_goes_back_in_time_and_only_back(void **state)
{
    (void)state;
    struct service *s = service_new(4);
    for (int64_t age_s = 0; age_s < 90 * DAY_S; age_s += 7200)
        add_job(s, EPOCH_S - age_s);
    s->lose_in_100 = 20;
    start(s, 90 * DAY_S);
    int64_t reached_s = EPOCH_S;
    while (discover_sweeping(s->d)) {
        assert_true(step(s, INT64_MAX / 2));
        assert_true(discover_reached_s(s->d) <= reached_s);
        reached_s = discover_reached_s(s->d);
    }
    assert_int_equal(reached_s, EPOCH_S - 90 * DAY_S);
    service_free(s);
}

static void a_token_that_is_refused_begins_its_span_where_it_was(void **state)
{
    (void)state;
    struct service *s = service_new(5);
    for (int64_t i = 0; i < 2000; i++)
        add_job(s, EPOCH_S - i);
    start(s, DAY_S);
    run_until(s, 0); /* a few pages */
    while (s->pages < 10)
        step(s, INT64_MAX / 2);
    s->lose_in_100 = 100;
    unsigned pages = s->pages;
    for (int i = 0; i < 6; i++) /* refused, a first page, refused, ... */
        step(s, INT64_MAX / 2);
    assert_int_equal(s->pages, pages + 3);
    assert_true(unknown_since(s, 0) <= 2000 - 10 * 25 - 3);
    s->lose_in_100 = 0;
    sweep(s);
    assert_int_equal(unknown_since(s, 0), 0);
    service_free(s);
}

static void tokens_that_lead_nowhere_are_asked_less_and_less_often(void **state)
{
    (void)state;
    struct service *s = service_new(6);
    for (int64_t i = 0; i < 400; i++)
        add_job(s, EPOCH_S - DAY_S / 2); /* more than a page in one second */
    s->lose_in_100 = 100;
    start(s, DAY_S);
    run_until(s, HOUR_MS / 2);
    assert_in_range(s->by_look[DISCOVER_SWEEP], 20, 90);
    s->lose_in_100 = 0;
    sweep(s);
    assert_int_equal(unknown_since(s, 0), 0);
    service_free(s);
}

static void a_list_without_end_is_given_up(void **state)
{
    (void)state;
    struct service *s = service_new(7);
    start(s, DAY_S);
    const struct discover_page again = {
        .newest_s = DISCOVER_NO_TIME, .oldest_s = DISCOVER_NO_TIME, .next_token = "again"};
    unsigned calls = 0;
    for (; s->now_ms < HOUR_MS / 2; calls++) {
        int64_t due = discover_due_ms(s->d, DISCOVER_SWEEP);
        s->now_ms = due > s->now_ms ? due : s->now_ms;
        discover_begin(s->d, DISCOVER_SWEEP, real_s(s), s->now_ms);
        discover_query(s->d, DISCOVER_SWEEP, real_s(s));
        discover_shown(s->d, DISCOVER_SWEEP, &again, s->now_ms);
    }
    assert_true(discover_sweeping(s->d));
    assert_in_range(calls, DISCOVER_BARREN, 50 * DISCOVER_BARREN);
    service_free(s);
}

static void a_list_that_is_refused_as_it_stands_rests_for_a_minute(void **state)
{
    (void)state;
    struct service *s = service_new(8);
    add_job(s, EPOCH_S - 100);
    s->refuse_all = true;
    start(s, DAY_S);
    run_until(s, HOUR_MS / 2);
    assert_in_range(s->by_look[DISCOVER_SWEEP], 29, 31);
    assert_in_range(s->by_look[DISCOVER_HEAD], 29, 31);
    s->refuse_all = false;
    run_until(s, s->now_ms + 60000);
    assert_int_equal(unknown_since(s, 0), 0);
    service_free(s);
}

/* ---- the head ---- */

static void a_new_job_is_known_within_refresh_for_one_call_a_round(void **state)
{
    (void)state;
    struct service *s = service_new(9);
    for (int64_t i = 0; i < 40; i++)
        add_job(s, EPOCH_S - 60 * i);
    start(s, DAY_S);
    sweep(s);
    unsigned before = s->by_look[DISCOVER_HEAD];
    s->whole_pages = true;
    for (int64_t t_ms = 7000; t_ms < HOUR_MS / 2; t_ms += 7000) {
        run_until(s, t_ms);
        add_job(s, real_s(s));
    }
    run_until(s, HOUR_MS / 2 + HEAD_MS);
    for (size_t i = 0; i < s->n; i++)
        if (s->jobs[i].create_s > EPOCH_S)
            assert_in_range(s->jobs[i].known_ms - (s->jobs[i].create_s - EPOCH_S) * 1000, 0,
                            HEAD_MS + 2 * CALL_MS);
    assert_int_equal(unknown_since(s, 0), 0);
    unsigned rounds = HOUR_MS / 2 / HEAD_MS;
    assert_in_range(s->by_look[DISCOVER_HEAD] - before, rounds - 2, rounds + 1);
    service_free(s);
}

static void jobs_that_readers_named_first_hide_no_others_from_the_head(void **state)
{
    (void)state;
    struct service *s = service_new(10);
    start(s, DAY_S);
    sweep(s);
    run_until(s, 20000);
    for (int i = 0; i < 500; i++)
        add_job(s, real_s(s) + i / 100);
    s->now_ms += 6000;
    for (size_t i = 200; i < 500; i++) /* the newest: two pages and more */
        s->jobs[i].known = s->jobs[i].named = true;
    run_until(s, s->now_ms + 2 * HEAD_MS);
    assert_int_equal(unknown_since(s, 0), 0);
    service_free(s);
}

static void a_list_of_all_jobs_is_a_look_at_the_head(void **state)
{
    (void)state;
    struct service *s = service_new(11);
    add_job(s, EPOCH_S - 10);
    start(s, DAY_S);
    sweep(s);
    discover_covered(s->d, EPOCH_S - 10, s->now_ms);
    assert_true(discover_covers(s->d, EPOCH_S));
    assert_false(discover_covers(s->d, EPOCH_S + 1)); /* what lies between would stay unseen */
    for (int i = 0; i < 100; i++) {
        run_until(s, s->now_ms + HEAD_MS - 100);
        discover_covered(s->d, real_s(s), s->now_ms);
    }
    assert_int_equal(s->by_look[DISCOVER_HEAD], 0);
    add_job(s, real_s(s));
    run_until(s, s->now_ms + HEAD_MS + CALL_MS);
    assert_int_equal(unknown_since(s, 0), 0);
    discover_begin(s->d, DISCOVER_HEAD, real_s(s), s->now_ms);
    assert_false(discover_covers(s->d, EPOCH_S)); /* it is being looked at */
    service_free(s);
}

static void a_job_of_tomorrow_does_not_hide_those_of_today(void **state)
{
    (void)state;
    struct service *s = service_new(12);
    add_job(s, EPOCH_S + 40000000);
    s->jobs[0].listed_s = 0;
    start(s, DAY_S);
    run_until(s, 60000);
    assert_true(s->jobs[0].known);
    add_job(s, real_s(s));
    run_until(s, s->now_ms + HEAD_MS + 2 * CALL_MS);
    assert_int_equal(unknown_since(s, 0), 0);
    service_free(s);
}

static void jobs_that_lists_show_late_are_known_within_an_hour(void **state)
{
    (void)state;
    struct service *s = service_new(13);
    start(s, DAY_S);
    run_until(s, 1000);
    for (int i = 0; i < 3000; i++) {
        add_job(s, real_s(s));
        s->jobs[s->n - 1].listed_s += (int64_t)draw(s, 1200);
        run_until(s, s->now_ms + 1000);
    }
    run_until(s, s->now_ms + 1200000 + HOUR_MS + 60000);
    assert_int_equal(unknown_since(s, 0), 0);
    service_free(s);
}

static void after_an_outage_of_forty_days_all_that_was_born_meanwhile_is_found(void **state)
{
    (void)state;
    struct service *s = service_new(14);
    start(s, 60 * DAY_S);
    sweep(s);
    s->fail_in_100 = 100;
    run_until(s, 1000);
    for (int64_t t_s = 60; t_s < 40 * DAY_S; t_s += 1800)
        add_job(s, EPOCH_S + t_s);
    s->now_ms = 40 * DAY_S * 1000;
    s->fail_in_100 = 0;
    run_until(s, s->now_ms + 120000);
    assert_int_equal(unknown_since(s, 0), 0);
    assert_true(s->longest_s <= LIMIT_S);
    service_free(s);
}

/* ---- nothing is missed ---- */

/* Ages that lie in heaps, at the borders of spans too. */
static int64_t some_age(struct service *s, int64_t window_s)
{
    int64_t borders = window_s / DISCOVER_SPAN_S + 1;
    switch (draw(s, 4)) {
    case 0:
        return (int64_t)draw(s, (uint64_t)borders) * DISCOVER_SPAN_S + (int64_t)draw(s, 5) - 2;
    case 1:
        return (int64_t)draw(s, 3) * 1000;
    default:
        return (int64_t)draw(s, (uint64_t)window_s);
    }
}

static void bear_some(struct service *s)
{
    if (draw(s, 3))
        return;
    for (uint64_t n = 1 + draw(s, 3) * draw(s, 60); n > 0; n--) {
        add_job(s, real_s(s));
        if (draw(s, 10) == 0)
            s->jobs[s->n - 1].known = s->jobs[s->n - 1].named = true;
    }
}

static void any_service(uint64_t seed)
{
    static const unsigned pages[] = {1, 7, 100};
    static const int64_t windows[] = {DAY_S / 24, DAY_S, 30 * DAY_S, 100 * DAY_S, 365 * DAY_S};
    struct service *s = service_new(seed);
    int64_t window_s = windows[draw(s, 5)];
    s->offsets = draw(s, 2);
    s->edges_excluded = draw(s, 2);
    s->page = pages[draw(s, 3)];
    s->fail_in_100 = (unsigned)draw(s, 3) * 15;
    /* Small pages are many to a second: who loses tokens within them gets nowhere. */
    s->lose_in_100 = s->page < 100 ? 0 : (unsigned)draw(s, 3) * 10;
    s->error_s = (int64_t)draw(s, 120) - 60; /* more is known and put right */
    for (uint64_t n = draw(s, s->page == 1 ? 60 : 10 * s->page); n > 0; n--) {
        int64_t age_s = some_age(s, window_s);
        add_job(s, EPOCH_S - (age_s > 0 ? age_s : 0));
    }
    start(s, window_s);
    for (size_t most = s->n + s->page * 40, steps = 0; steps < 400; steps++) {
        step(s, INT64_MAX / 2);
        if (s->n < most)
            bear_some(s);
    }
    sweep(s);
    /* Tokens that are lost cost up to a minute each. */
    size_t missed = unknown_since(s, EPOCH_S - window_s);
    for (int64_t until_ms = s->now_ms + 3 * HOUR_MS; missed > 0 && s->now_ms < until_ms;) {
        run_until(s, s->now_ms + 60000);
        missed = unknown_since(s, EPOCH_S - window_s);
    }
    if (missed > 0 || s->longest_s > LIMIT_S)
        fail_msg("seed %d: %zu of %zu jobs missed, longest span %lld s", (int)seed, missed, s->n,
                 (long long)s->longest_s);
    service_free(s);
}

static void whatever_the_service_does_no_job_is_missed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 600; seed++)
        any_service(seed);
}

/* The twin: a look that stops too early, or spans that leave a second out, would be found. */
static void jobs_that_no_page_shows_are_missed_by_the_same_test(void **state)
{
    (void)state;
    struct service *s = service_new(15);
    add_job(s, EPOCH_S - 2 * DAY_S); /* outside of the window */
    add_job(s, EPOCH_S - 60);
    start(s, DAY_S);
    sweep(s);
    assert_int_equal(unknown_since(s, 0), 1);
    assert_int_equal(unknown_since(s, EPOCH_S - DAY_S), 0);
    service_free(s);
}

static void without_memory_for_a_token_its_span_begins_anew(void **state)
{
    (void)state;
    alloc_fail_at(1);
    const struct discover_config config = {.window_s = DAY_S, .head_ms = HEAD_MS};
    struct err err = {""};
    assert_null(discover_new(&config, EPOCH_S, 0, &err));
    assert_true(err.text[0]);
    struct service *s = service_new(16);
    for (int64_t i = 0; i < 500; i++)
        add_job(s, EPOCH_S - i);
    start(s, DAY_S);
    alloc_fail_at(1);
    step(s, INT64_MAX / 2);
    assert_true(alloc_fail_fired());
    sweep(s);
    assert_int_equal(unknown_since(s, 0), 0);
    assert_true(s->firsts >= 2);
    service_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_jobs_take_a_hundred_pages),
        cmocka_unit_test(a_year_takes_thirteen_spans_and_none_is_longer_than_allowed),
        cmocka_unit_test(a_first_page_that_had_to_wait_for_a_week_still_spans_no_more_than_allowed),
        cmocka_unit_test(progress_goes_back_in_time_and_only_back),
        cmocka_unit_test(a_token_that_is_refused_begins_its_span_where_it_was),
        cmocka_unit_test(tokens_that_lead_nowhere_are_asked_less_and_less_often),
        cmocka_unit_test(a_list_without_end_is_given_up),
        cmocka_unit_test(a_list_that_is_refused_as_it_stands_rests_for_a_minute),
        cmocka_unit_test(a_new_job_is_known_within_refresh_for_one_call_a_round),
        cmocka_unit_test(jobs_that_readers_named_first_hide_no_others_from_the_head),
        cmocka_unit_test(a_list_of_all_jobs_is_a_look_at_the_head),
        cmocka_unit_test(a_job_of_tomorrow_does_not_hide_those_of_today),
        cmocka_unit_test(jobs_that_lists_show_late_are_known_within_an_hour),
        cmocka_unit_test(after_an_outage_of_forty_days_all_that_was_born_meanwhile_is_found),
        cmocka_unit_test(whatever_the_service_does_no_job_is_missed),
        cmocka_unit_test(jobs_that_no_page_shows_are_missed_by_the_same_test),
        cmocka_unit_test(without_memory_for_a_token_its_span_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
