/* Open files: pinned, kept, and those whose pages the kernel is being given. */
#include "cache/fixture.h"

/* Opens a file; of a settled job there is a version with it, of another none. */
static enum cache_hold opened(struct bench *b, uint64_t key, bool fill)
{
    struct job *current;
    enum cache_hold hold = cache_open(b->c, key, fill, &current);
    assert_int_equal(current != NULL, hold == CACHE_KEPT || hold == CACHE_FILLING);
    job_unref(current);
    return hold;
}

static void a_job_first_seen_finished_is_settled_and_one_that_ended_is_not_until_told(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t done = known(&b, "finished-job", "Success", 0);
    assert_true(cache_settled(b.c, done));
    assert_int_equal(opened(&b, done, false), CACHE_KEPT);

    uint64_t key = known(&b, ID, "Processing", 0);
    cache_settle(b.c, key);
    assert_false(cache_settled(b.c, key)); /* not finished */
    assert_int_equal(opened(&b, key, true), CACHE_PINNED);
    assert_int_equal(opened(&b, key, true), CACHE_PINNED);
    put_job(&b, key, "Success", 100, 10);
    assert_false(cache_settled(b.c, key));
    cache_settle(b.c, key);
    assert_false(cache_settled(b.c, key)); /* somebody still shows what was before */
    assert_false(cache_close(b.c, key, CACHE_PINNED));
    assert_true(cache_close(b.c, key, CACHE_PINNED));
    assert_int_equal(cache_pins(b.c, key), 0);
    cache_settle(b.c, key);
    assert_true(cache_settled(b.c, key));
    bench_close(&b);
}

static void only_the_last_pin_of_an_ended_job_asks_for_its_settling(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 0);
    opened(&b, key, false);
    assert_false(cache_close(b.c, key, CACHE_PINNED)); /* it goes on */
    opened(&b, key, false);
    opened(&b, key, false);
    put_job(&b, key, "Success", 100, 10);
    assert_false(cache_close(b.c, key, CACHE_PINNED)); /* somebody still shows what was before */
    assert_true(cache_close(b.c, key, CACHE_PINNED));
    assert_int_equal(cache_pins(b.c, key), 0);
    opened(&b, key, false);
    cache_settle(b.c, key); /* not while it is pinned */
    assert_true(cache_close(b.c, key, CACHE_PINNED));
    cache_settle(b.c, key);
    assert_false(cache_close(b.c, key, CACHE_PINNED));
    assert_false(cache_close(b.c, 4711, CACHE_PINNED));
    bench_close(&b);
}

static void pins_of_nobody_are_nothing(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    assert_int_equal(opened(&b, 4711, true), CACHE_PINNED);
    assert_false(cache_close(b.c, 4711, CACHE_FILLING));
    assert_false(cache_close(b.c, 4711, CACHE_KEPT));
    assert_int_equal(cache_pins(b.c, 4711), 0);
    cache_settle(b.c, 4711);
    assert_false(cache_settled(b.c, 4711));
    assert_int_equal(cache_unsettle(b.c, 4711), 0);
    bench_close(&b);
}

static void a_job_that_changes_while_one_fills_is_not_settled_before_that_is_over(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Success", 0);
    assert_int_equal(opened(&b, key, true), CACHE_FILLING);
    assert_int_equal(opened(&b, key, false), CACHE_KEPT);
    assert_int_equal(cache_unsettle(b.c, key), 2);
    assert_false(cache_close(b.c, key, CACHE_KEPT));
    cache_settle(b.c, key);
    assert_false(cache_settled(b.c, key));
    assert_int_equal(opened(&b, key, true), CACHE_PINNED); /* nothing to fill */
    assert_false(cache_close(b.c, key, CACHE_PINNED));
    assert_true(cache_close(b.c, key, CACHE_FILLING));
    cache_settle(b.c, key);
    assert_true(cache_settled(b.c, key));
    assert_int_equal(cache_unsettle(b.c, key), 1); /* the one that has filled is still open */
    assert_false(cache_close(b.c, key, CACHE_KEPT));
    bench_close(&b);
}

static void filling_a_job_that_stays_as_it_is_leaves_it_settled(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Success", 0);
    assert_int_equal(opened(&b, key, true), CACHE_FILLING);
    assert_int_equal(cache_pins(b.c, key), 1);
    assert_false(cache_close(b.c, key, CACHE_FILLING));
    assert_int_equal(cache_pins(b.c, key), 0);
    assert_true(cache_settled(b.c, key));
    assert_false(cache_close(b.c, key, CACHE_KEPT));
    assert_int_equal(cache_unsettle(b.c, key), 0);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_first_seen_finished_is_settled_and_one_that_ended_is_not_until_told),
        cmocka_unit_test(only_the_last_pin_of_an_ended_job_asks_for_its_settling),
        cmocka_unit_test(pins_of_nobody_are_nothing),
        cmocka_unit_test(a_job_that_changes_while_one_fills_is_not_settled_before_that_is_over),
        cmocka_unit_test(filling_a_job_that_stays_as_it_is_leaves_it_settled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
