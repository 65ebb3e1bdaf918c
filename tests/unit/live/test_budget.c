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

/* One demand of readers: a burst, then a pause, both drawn. `greedy`: no pause ever. */
static struct server simulate(struct budget *b, int64_t span_ms, bool greedy, uint64_t seed)
{
    struct server s = server_new(span_ms);
    int64_t now = 0;
    while (now < span_ms) {
        uint64_t burst = greedy ? UINT64_MAX : draw(&seed) % 3000;
        for (; burst > 0 && now < span_ms; burst--) {
            int64_t wait = budget_wait(b, now);
            assert_true(wait >= 0);
            now += wait;
            if (now >= span_ms)
                break;
            assert_int_equal(budget_wait(b, now), 0);
            budget_sent(b, now);
            arrive(&s, now + (int64_t)(draw(&seed) % (JITTER_MS + 1)));
        }
        now += (int64_t)(draw(&seed) % 2500);
    }
    return s;
}

static const struct {
    unsigned qps;
    int64_t hours;
} rates[] = {{1, 8}, {2, 8}, {5, 4}, {10, 4}, {50, 2}, {1000, 1}};

static void no_second_at_the_server_sees_more_than_qps_calls(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct budget *b = budget_new(rates[i].qps, NULL);
        struct server s = simulate(b, rates[i].hours * 3600 * 1000, false, 7 + i);
        assert_in_range(busiest_second(&s), 1, rates[i].qps);
        free(s.at);
        budget_free(b);
    }
}

static void full_demand_gets_nine_tenths_of_qps_and_never_more_than_qps(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct budget *b = budget_new(rates[i].qps, NULL);
        int64_t span_s = 600;
        struct server s = simulate(b, span_s * 1000, true, 99 + i);
        assert_in_range(busiest_second(&s), 1, rates[i].qps);
        assert_true((double)s.calls >= 0.9 * rates[i].qps * (double)span_s);
        free(s.at);
        budget_free(b);
    }
}

/* The twin: ten calls late in one second, ten early in the next. */
static void a_counter_reset_each_second_would_fail_the_same_test(void **state)
{
    (void)state;
    struct server s = server_new(5000);
    for (int64_t now = 990; now < 5000; now += 1000)
        for (int i = 0; i < 20; i++)
            arrive(&s, now + (i < 10 ? 9 : 11));
    assert_true(busiest_second(&s) > 10);
    free(s.at);
}

static void a_burst_goes_out_at_once_when_calls_are_few(void **state)
{
    (void)state;
    struct budget *b = budget_new(10, NULL);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(budget_wait(b, 5000), 0);
        budget_sent(b, 5000);
    }
    assert_in_range(budget_wait(b, 5000), 1000, 1100);
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
    struct server s = simulate(b, 120 * 1000, true, 5);
    assert_in_range(busiest_second(&s), 4, 5);
    free(s.at);
    budget_throttled(b, 200 * 1000, 1); /* 2.5 a second */
    int64_t now = 201 * 1000, first = now;
    for (int i = 0; i < 100; i++) {
        now += budget_wait(b, now);
        budget_sent(b, now);
    }
    assert_true((double)(now - first) >= 99 / 2.5 * 1000 * 0.95);
    budget_free(b);
}

static void impossible_budgets_are_refused_with_the_range(void **state)
{
    (void)state;
    struct err err = {""};
    assert_null(budget_new(0, &err));
    assert_non_null(strstr(err.text, "1 to 100000"));
    assert_null(budget_new(BUDGET_QPS_MAX + 1, NULL));
    alloc_fail_at(1);
    assert_null(budget_new(10, &err));
    assert_true(alloc_fail_fired());
    assert_non_null(strstr(err.text, "out of memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_second_at_the_server_sees_more_than_qps_calls),
        cmocka_unit_test(full_demand_gets_nine_tenths_of_qps_and_never_more_than_qps),
        cmocka_unit_test(a_counter_reset_each_second_would_fail_the_same_test),
        cmocka_unit_test(a_burst_goes_out_at_once_when_calls_are_few),
        cmocka_unit_test(a_large_budget_is_spread_over_tenths_of_its_window),
        cmocka_unit_test(throttling_halves_the_pace_once_a_second_at_most),
        cmocka_unit_test(the_pace_has_a_floor),
        cmocka_unit_test(throttling_stands_still_for_as_long_as_the_service_says),
        cmocka_unit_test(the_pace_comes_back_by_eighths_a_second),
        cmocka_unit_test(a_lower_pace_is_kept_in_every_second_too),
        cmocka_unit_test(impossible_budgets_are_refused_with_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
