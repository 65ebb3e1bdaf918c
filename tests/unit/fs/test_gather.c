/* When jobs that readers name are told of: alone at once, in a burst together, never late. */
#include "fs/gather.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* One comes every `step_ms` from 0 on; each time somebody looks when it is due, as the updater
 * does, they are told of if it is. When the first was told of, and how many looks that took. */
static int64_t burst(int64_t step_ms, int64_t until_ms, unsigned *looks)
{
    struct gather g = {0};
    int64_t now_ms = 0, look_ms = INT64_MAX;
    *looks = 0;
    for (;; now_ms++) {
        if (now_ms <= until_ms && now_ms % step_ms == 0)
            gather_add(&g, now_ms);
        if (look_ms == INT64_MAX)
            look_ms = gather_due_ms(&g);
        if (now_ms < look_ms)
            continue;
        ++*looks;
        if (gather_due_ms(&g) <= now_ms)
            return now_ms;
        look_ms = gather_due_ms(&g);
    }
}

static void where_none_has_come_nothing_is_due(void **state)
{
    (void)state;
    const struct gather g = {0};
    assert_true(gather_due_ms(&g) == INT64_MAX);
}

static void one_that_comes_alone_is_told_of_at_once(void **state)
{
    (void)state;
    unsigned looks;
    assert_int_equal(burst(1000, 0, &looks), GATHER_QUIET_MS);
    assert_int_equal(looks, 1);
}

static void those_that_come_one_by_one_are_told_of_one_by_one(void **state)
{
    (void)state;
    unsigned looks;
    assert_int_equal(burst(GATHER_QUIET_MS + 1, 1000, &looks), GATHER_QUIET_MS);
}

static void a_burst_is_told_of_when_it_is_over(void **state)
{
    (void)state;
    unsigned looks;
    assert_in_range(burst(1, 5, &looks), 6, 10);
}

static void the_first_of_a_burst_without_end_is_never_late(void **state)
{
    (void)state;
    unsigned looks;
    assert_int_equal(burst(1, 1000, &looks), GATHER_MS);
}

static void a_burst_costs_few_looks(void **state)
{
    (void)state;
    unsigned looks;
    burst(1, 1000, &looks);
    assert_in_range(looks, 1, 6); /* at about 1, 2, 4, 8, 16 and 20 ms */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_none_has_come_nothing_is_due),
        cmocka_unit_test(one_that_comes_alone_is_told_of_at_once),
        cmocka_unit_test(those_that_come_one_by_one_are_told_of_one_by_one),
        cmocka_unit_test(a_burst_is_told_of_when_it_is_over),
        cmocka_unit_test(the_first_of_a_burst_without_end_is_never_late),
        cmocka_unit_test(a_burst_costs_few_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
