/* Waiting awake: never longer than it may, and the less often the less it pays. */
#include "fs/spin.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define STEP_NS INT64_C(1000)

/* Wait from `*now_ns` on while nothing comes, until the advice is to sleep: how long that was. */
static int64_t wait_in_vain(struct spin *s, int64_t *now_ns, enum spin_advice *last)
{
    int64_t begin = *now_ns;
    while ((*last = spin_nothing(s, *now_ns)) == SPIN_TRY)
        *now_ns += STEP_NS;
    return *now_ns - begin;
}

/* A trickle: each request comes after sleep. How many chances of `n` were waited for awake. */
static unsigned trickle(struct spin *s, unsigned n)
{
    unsigned awake = 0;
    int64_t now_ns = 1;
    for (unsigned i = 0; i < n; i++) {
        enum spin_advice last;
        wait_in_vain(s, &now_ns, &last);
        awake += last == SPIN_MISSED;
        assert_false(spin_request(s, now_ns));
        now_ns += 100 * SPIN_NS;
    }
    return awake;
}

static void a_wait_ends_after_its_limit(void **state)
{
    (void)state;
    struct spin s = {0};
    int64_t now_ns = 1;
    enum spin_advice last;
    int64_t waited_ns = wait_in_vain(&s, &now_ns, &last);
    assert_int_equal(last, SPIN_MISSED);
    assert_in_range(waited_ns, SPIN_NS, SPIN_NS + STEP_NS);
}

static void a_request_in_time_pays_and_each_wait_has_the_whole_limit_again(void **state)
{
    (void)state;
    struct spin s = {0};
    int64_t now_ns = 1;
    for (int i = 0; i < 1000; i++) {
        for (int64_t end_ns = now_ns + SPIN_NS - STEP_NS; now_ns < end_ns; now_ns += STEP_NS)
            assert_int_equal(spin_nothing(&s, now_ns), SPIN_TRY);
        assert_true(spin_request(&s, now_ns));
    }
}

static void a_request_without_a_wait_neither_pays_nor_costs(void **state)
{
    (void)state;
    struct spin s = {0};
    assert_false(spin_request(&s, 1));
    trickle(&s, 8);
    struct spin before = s;
    assert_false(spin_request(&s, 1));
    assert_memory_equal(&s, &before, sizeof s);
}

static void a_trickle_is_hardly_ever_waited_for_awake(void **state)
{
    (void)state;
    struct spin s = {0};
    assert_in_range(trickle(&s, 10000), 1, 60);
    assert_in_range(trickle(&s, 10 * (SPIN_SKIP_MAX + 1)), 9, 11);
}

static void requests_that_flow_again_are_waited_for_awake_again(void **state)
{
    (void)state;
    struct spin s = {0};
    trickle(&s, 10000);
    unsigned passed = 0;
    int64_t now_ns = 1;
    while (spin_nothing(&s, now_ns) != SPIN_TRY)
        passed++;
    assert_in_range(passed, 0, SPIN_SKIP_MAX);
    assert_true(spin_request(&s, now_ns));
    /* One that paid is enough: the next is tried at once. */
    assert_int_equal(spin_nothing(&s, now_ns), SPIN_TRY);
}

static void one_miss_among_hits_costs_no_later_chance(void **state)
{
    (void)state;
    struct spin s = {0};
    int64_t now_ns = 1;
    enum spin_advice last;
    for (int i = 0; i < 100; i++) {
        wait_in_vain(&s, &now_ns, &last);
        assert_int_equal(last, SPIN_MISSED);
        assert_int_equal(spin_nothing(&s, now_ns), SPIN_TRY);
        assert_true(spin_request(&s, now_ns));
    }
}

static void a_wait_that_was_interrupted_too_long_has_not_paid(void **state)
{
    (void)state;
    struct spin s = {0};
    int64_t now_ns = 1;
    unsigned awake = 0;
    for (int i = 0; i < 1000; i++, now_ns += SPIN_NS) {
        bool waits = spin_nothing(&s, now_ns) == SPIN_TRY;
        awake += waits;
        now_ns += 10 * SPIN_NS;
        assert_false(spin_request(&s, now_ns));
    }
    assert_in_range(awake, 1, 20);
}

/* How many looks of a wait that pays in the end give way. */
static unsigned yields(struct spin *s, int64_t *now_ns)
{
    unsigned n = 0;
    for (unsigned look = 0; look < 5 * SPIN_YIELDS; look++) {
        enum spin_advice advice = spin_nothing(s, (*now_ns)++);
        assert_int_equal(advice, look < SPIN_YIELDS ? SPIN_YIELD : SPIN_TRY);
        n += advice == SPIN_YIELD;
    }
    assert_true(spin_request(s, *now_ns));
    return n;
}

static void only_after_one_left_unanswered_do_the_first_looks_give_way(void **state)
{
    (void)state;
    struct spin s = {0};
    int64_t now_ns = 1;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 100; i++)
            assert_int_equal(spin_nothing(&s, now_ns++), SPIN_TRY);
        assert_true(spin_request(&s, now_ns));
        spin_unanswered(&s);
        assert_int_equal(spin_nothing(&s, now_ns), SPIN_SLEEP);
        assert_false(spin_request(&s, now_ns));
        for (unsigned i = 1; i < SPIN_SHARED; i++)
            assert_int_equal(yields(&s, &now_ns), SPIN_YIELDS);
    }
}

static void a_request_left_unanswered_is_followed_by_sleep_and_costs_no_chance(void **state)
{
    (void)state;
    struct spin s = {0};
    int64_t now_ns = 1;
    for (int i = 0; i < 1000; i++, now_ns += SPIN_NS) {
        spin_unanswered(&s);
        assert_int_equal(spin_nothing(&s, now_ns), SPIN_SLEEP);
        assert_int_equal(spin_nothing(&s, now_ns), SPIN_SLEEP); /* woken for nothing */
        assert_false(spin_request(&s, now_ns));
        assert_int_equal(spin_nothing(&s, now_ns), SPIN_YIELD);
        assert_true(spin_request(&s, now_ns));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends_after_its_limit),
        cmocka_unit_test(a_request_in_time_pays_and_each_wait_has_the_whole_limit_again),
        cmocka_unit_test(a_request_without_a_wait_neither_pays_nor_costs),
        cmocka_unit_test(a_trickle_is_hardly_ever_waited_for_awake),
        cmocka_unit_test(requests_that_flow_again_are_waited_for_awake_again),
        cmocka_unit_test(a_wait_that_was_interrupted_too_long_has_not_paid),
        cmocka_unit_test(one_miss_among_hits_costs_no_later_chance),
        cmocka_unit_test(only_after_one_left_unanswered_do_the_first_looks_give_way),
        cmocka_unit_test(a_request_left_unanswered_is_followed_by_sleep_and_costs_no_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
