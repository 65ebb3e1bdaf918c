/* The API budget: whatever readers ask for, no second at the server sees more than qps calls. */
#include "live/budget.h"
#include "support/alloc_fail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define JITTER_MS 50

/* A small generator with a seed of its own: every run is the same. */
static uint64_t draw(uint64_t *seed)
{
    uint64_t x = *seed;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *seed = x;
    return x;
}

/* What the server saw: calls a millisecond, and the most in any second. */
struct server {
    uint16_t *at;
    int64_t span_ms;
    int64_t calls;
};

static struct server server_new(int64_t span_ms)
{
    struct server s = {.span_ms = span_ms, .at = calloc((size_t)span_ms + 1000, sizeof(*s.at))};
    assert_non_null(s.at);
    return s;
}

static void arrive(struct server *s, int64_t ms)
{
    s->at[ms]++;
    s->calls++;
}

static unsigned busiest_second(const struct server *s)
{
    unsigned in_window = 0, most = 0;
    for (int64_t t = 0; t < s->span_ms + 1000; t++) {
        in_window += s->at[t];
        if (t >= 1000)
            in_window -= s->at[t - 1000];
        most = in_window > most ? in_window : most;
    }
    return most;
}

/* The network of a simulation: a call takes `way_ms` there and as long back, and each way a jitter;
 * the first calls find cold connections. */
struct net {
    int64_t way_ms, jitter_ms, cold_ms;
    unsigned n_cold;
    uint64_t seed;
};

#define AHEAD   2048 /* milliseconds that an answer is at most away */
#define AT_ONCE 1024

struct flight {
    uint64_t tickets[AHEAD][AT_ONCE];
    unsigned n[AHEAD];
};

static void fly(struct flight *f, struct budget *b, struct server *s, struct net *net, int64_t now)
{
    int64_t jitter = 1 + net->jitter_ms;
    int64_t there = net->way_ms + (int64_t)(draw(&net->seed) % (uint64_t)jitter);
    if (s->calls < net->n_cold)
        there += net->cold_ms;
    int64_t back = net->way_ms + (int64_t)(draw(&net->seed) % (uint64_t)jitter);
    unsigned slot = (unsigned)((now + there + back) % AHEAD);
    assert_true(f->n[slot] < AT_ONCE);
    f->tickets[slot][f->n[slot]++] = budget_sent(b, now);
    arrive(s, now + there);
}

/* Readers ask in bursts with pauses between, or (`greedy`) always. `told`: the budget hears of
 * landings. */
static struct server simulate(struct budget *b, int64_t span_ms, bool greedy, struct net net,
                              bool told)
{
    struct server s = server_new(span_ms);
    struct flight *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    uint64_t demand = 0;
    for (int64_t now = 0, burst_at = 0; now < span_ms; now++) {
        unsigned slot = (unsigned)(now % AHEAD);
        for (unsigned i = 0; told && i < f->n[slot]; i++)
            budget_landed(b, f->tickets[slot][i], now);
        f->n[slot] = 0;
        if (greedy || now == burst_at) {
            demand += greedy ? 1000 : draw(&net.seed) % 3000;
            burst_at = now + 1 + (int64_t)(draw(&net.seed) % 5000);
        }
        for (; demand > 0 && budget_wait(b, now) == 0; demand--)
            fly(f, b, &s, &net, now);
    }
    free(f);
    return s;
}

static const unsigned rates[] = {1, 2, 5, 10, 50, 1000};

static void no_second_at_the_server_sees_more_than_qps_calls(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct budget *b = budget_new(rates[i], NULL);
        struct net net = {.way_ms = 5, .jitter_ms = JITTER_MS, .seed = 7 + i};
        struct server s = simulate(b, 2 * 3600 * 1000, false, net, true);
        assert_in_range(busiest_second(&s), 1, rates[i]);
        free(s.at);
        budget_free(b);
    }
}

static void full_demand_gets_nine_tenths_of_qps_and_never_more_than_qps(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct budget *b = budget_new(rates[i], NULL);
        struct net net = {.way_ms = 5, .jitter_ms = JITTER_MS, .seed = 99 + i};
        int64_t span_s = 600;
        struct server s = simulate(b, span_s * 1000, true, net, true);
        assert_in_range(busiest_second(&s), 1, rates[i]);
        assert_true((double)s.calls >= 0.9 * rates[i] * (double)span_s);
        free(s.at);
        budget_free(b);
    }
}

/* The first calls wait for connections, those of the next second do not. */
static const struct net cold = {
    .way_ms = 5, .jitter_ms = 5, .cold_ms = 400, .n_cold = 10, .seed = 3};

static void a_burst_that_is_late_on_the_way_does_not_meet_the_next_one(void **state)
{
    (void)state;
    struct budget *b = budget_new(10, NULL);
    struct server s = simulate(b, 10 * 1000, true, cold, true);
    assert_in_range(busiest_second(&s), 5, 10);
    free(s.at);
    budget_free(b);
}

/* The twin: what a sliding log of the sends, 60 ms wider than a second, would let through. */
static void a_budget_that_only_logs_its_sends_would_fail_the_same_test(void **state)
{
    (void)state;
    struct server s = server_new(5000);
    for (int burst = 0; burst < 4; burst++)
        for (int i = 0; i < 10; i++)
            arrive(&s, burst * 1060 + (burst == 0 ? cold.cold_ms : 5));
    assert_true(busiest_second(&s) > 10);
    free(s.at);
}

static void a_call_without_an_answer_gives_its_place_back_in_time(void **state)
{
    (void)state;
    struct budget *b = budget_new(2, NULL);
    struct net net = {.way_ms = 5, .seed = 1};
    struct server s = simulate(b, 60 * 1000, true, net, false);
    assert_in_range(s.calls, 2 * 60 * 0.6, 2 * 60); /* a place each 1.5 s */
    free(s.at);
    budget_free(b);
}

static void a_late_landing_of_a_place_given_back_is_nothing(void **state)
{
    (void)state;
    struct budget *b = budget_new(1, NULL);
    uint64_t ticket = budget_sent(b, 0);
    assert_int_equal(budget_wait(b, 0), 500); /* then it counts as landed */
    assert_int_equal(budget_wait(b, 500), 1001);
    budget_landed(b, ticket, 900);
    assert_int_equal(budget_wait(b, 1501), 0);
    for (int i = 0; i < 3; i++) /* more than allowed: the ring holds */
        budget_sent(b, 1501);
    budget_landed(b, ticket, 1502);
    assert_true(budget_wait(b, 1502) > 0);
    budget_free(b);
}

static void a_burst_goes_out_at_once_when_calls_are_few(void **state)
{
    (void)state;
    struct budget *b = budget_new(10, NULL);
    uint64_t first = budget_sent(b, 5000);
    for (int i = 1; i < 10; i++) {
        assert_int_equal(budget_wait(b, 5000), 0);
        budget_sent(b, 5000);
    }
    assert_true(budget_wait(b, 5000) > 0);
    for (uint64_t i = 0; i < 10; i++)
        budget_landed(b, first + i, 5030);
    assert_int_equal(budget_wait(b, 5030), 1001);
    budget_free(b);
}

static void a_large_budget_is_spread_over_tenths_of_its_window(void **state)
{
    (void)state;
    struct budget *b = budget_new(1000, NULL);
    int sent = 0;
    while (budget_wait(b, 0) == 0) {
        budget_sent(b, 0);
        sent++;
    }
    assert_int_equal(sent, 100);
    assert_in_range(budget_wait(b, 0), 100, 110);
    budget_free(b);
}

static void throttling_halves_the_pace_once_a_second_at_most(void **state)
{
    (void)state;
    struct budget *b = budget_new(10, NULL);
    for (int i = 0; i < 64; i++)
        budget_throttled(b, 1000 + i, 0);
    assert_true(budget_pace(b) == 5.0);
    budget_throttled(b, 2500, 0);
    assert_true(budget_pace(b) == 2.5);
    budget_free(b);
}

static void the_pace_has_a_floor(void **state)
{
    (void)state;
    static const struct {
        unsigned qps;
        double floor;
    } cases[] = {{1, 0.5}, {2, 0.5}, {8, 0.5}, {160, 10}, {1000, 62.5}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct budget *b = budget_new(cases[i].qps, NULL);
        for (int64_t t = 0; t < 100; t++)
            budget_throttled(b, t * 1000, 1);
        assert_true(budget_pace(b) == cases[i].floor);
        budget_free(b);
    }
}

static void throttling_stands_still_for_as_long_as_the_service_says(void **state)
{
    (void)state;
    struct budget *b = budget_new(10, NULL);
    budget_throttled(b, 1000, 7000);
    assert_int_equal(budget_wait(b, 1000), 7000);
    budget_throttled(b, 1001, 10); /* a shorter wish does not shorten it */
    assert_int_equal(budget_wait(b, 1001), 6999);
    assert_int_equal(budget_wait(b, 8000), 0);
    budget_free(b);

    b = budget_new(10, NULL);
    budget_throttled(b, 0, 0);
    assert_int_equal(budget_wait(b, 0), 1000);
    budget_throttled(b, 5000, INT64_MAX); /* nobody is believed beyond two minutes */
    assert_int_equal(budget_wait(b, 5000), 120000);
    budget_free(b);
}

static void the_pace_comes_back_by_eighths_a_second(void **state)
{
    (void)state;
    struct budget *b = budget_new(80, NULL);
    budget_throttled(b, 0, 500);
    assert_true(budget_pace(b) == 40.0);
    budget_answered(b, 1499); /* not yet a second after the standstill */
    assert_true(budget_pace(b) == 40.0);
    budget_answered(b, 1500);
    assert_true(budget_pace(b) == 50.0);
    budget_answered(b, 1600);
    assert_true(budget_pace(b) == 50.0);
    budget_answered(b, 3500);
    assert_true(budget_pace(b) == 70.0);
    budget_answered(b, 3600 * 1000);
    assert_true(budget_pace(b) == 80.0);
    budget_free(b);
}

static void a_lower_pace_is_kept_in_every_second_too(void **state)
{
    (void)state;
    struct budget *b = budget_new(10, NULL);
    budget_throttled(b, 0, 1);
    struct net net = {.way_ms = 5, .jitter_ms = JITTER_MS, .seed = 5};
    struct server s = simulate(b, 120 * 1000, true, net, true);
    assert_in_range(busiest_second(&s), 4, 5);
    free(s.at);
    budget_throttled(b, 200 * 1000, 1); /* 2.5 a second */
    int64_t now = 201 * 1000, first = now;
    for (int i = 0; i < 100; i++) {
        now += budget_wait(b, now);
        budget_landed(b, budget_sent(b, now), now);
    }
    assert_true((double)(now - first) >= 99 / 2.5 * 1000 * 0.95);
    budget_free(b);
}

/* How many calls in no hurry go out at once, and how many others after them. */
static void count_spare(unsigned qps, unsigned *spare, unsigned *others)
{
    struct budget *b = budget_new(qps, NULL);
    *spare = *others = 0;
    for (; budget_wait_spare(b, 0) == 0; ++*spare)
        budget_landed(b, budget_sent(b, 0), 0);
    for (; budget_wait(b, 0) == 0; ++*others)
        budget_landed(b, budget_sent(b, 0), 0);
    assert_in_range(budget_wait_spare(b, 0), 1, 1001);
    budget_free(b);
}

static void calls_in_no_hurry_leave_a_fifth_to_the_others(void **state)
{
    (void)state;
    static const unsigned rows[][3] = {{1, 1, 0},   {4, 4, 0},   {5, 4, 1},     {10, 8, 2},
                                       {20, 16, 4}, {100, 8, 2}, {1000, 80, 20}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned spare, others;
        count_spare(rows[i][0], &spare, &others);
        assert_int_equal(spare, rows[i][1]);
        assert_int_equal(others, rows[i][2]);
    }
}

static void so_many_calls_are_kept_as_are_named_but_for_one(void **state)
{
    (void)state;
    for (unsigned kept = 0; kept < 20; kept++) {
        struct budget *b = budget_new(10, NULL);
        unsigned n = 0;
        for (; budget_wait_keeping(b, kept, 0) == 0; n++)
            budget_landed(b, budget_sent(b, 0), 0);
        assert_int_equal(n, kept < 10 ? 10 - kept : 1);
        assert_in_range(budget_wait_keeping(b, kept, 0), 1, 1001);
        budget_free(b);
    }
}

static void impossible_budgets_are_refused_with_the_range(void **state)
{
    (void)state;
    struct err err = {""};
    assert_null(budget_new(0, &err));
    assert_non_null(strstr(err.text, "1 to 100000"));
    assert_null(budget_new(BUDGET_QPS_MAX + 1, NULL));
    for (unsigned n = 1; n <= 3; n++) {
        alloc_fail_at(n);
        assert_null(budget_new(10, &err));
        assert_true(alloc_fail_fired());
        assert_non_null(strstr(err.text, "out of memory"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_second_at_the_server_sees_more_than_qps_calls),
        cmocka_unit_test(full_demand_gets_nine_tenths_of_qps_and_never_more_than_qps),
        cmocka_unit_test(a_burst_that_is_late_on_the_way_does_not_meet_the_next_one),
        cmocka_unit_test(a_budget_that_only_logs_its_sends_would_fail_the_same_test),
        cmocka_unit_test(a_call_without_an_answer_gives_its_place_back_in_time),
        cmocka_unit_test(a_late_landing_of_a_place_given_back_is_nothing),
        cmocka_unit_test(a_burst_goes_out_at_once_when_calls_are_few),
        cmocka_unit_test(a_large_budget_is_spread_over_tenths_of_its_window),
        cmocka_unit_test(throttling_halves_the_pace_once_a_second_at_most),
        cmocka_unit_test(the_pace_has_a_floor),
        cmocka_unit_test(throttling_stands_still_for_as_long_as_the_service_says),
        cmocka_unit_test(the_pace_comes_back_by_eighths_a_second),
        cmocka_unit_test(a_lower_pace_is_kept_in_every_second_too),
        cmocka_unit_test(calls_in_no_hurry_leave_a_fifth_to_the_others),
        cmocka_unit_test(so_many_calls_are_kept_as_are_named_but_for_one),
        cmocka_unit_test(impossible_budgets_are_refused_with_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
