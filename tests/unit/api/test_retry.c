/* The retry policy: each class its remedy, and delays that spread and stay within bounds. */
#include "api/retry.h"
#include "base/attr.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct retry_step decide(enum api_class c, unsigned attempt)
{
    return retry_decide(c, attempt, false, false, 0, 0);
}

static void final_answers_are_not_asked_again(void **state)
{
    (void)state;
    static const enum api_class finals[] = {API_OK, API_NOT_FOUND, API_BAD_REQUEST};
    for (size_t i = 0; i < ARRAY_LEN(finals); i++) {
        struct retry_step step = decide(finals[i], 1);
        assert_int_equal(step.action, RETRY_NO);
        assert_int_equal(step.delay_ms, 0);
    }
}

static void denied_rests_for_a_minute(void **state)
{
    (void)state;
    struct retry_step step = decide(API_DENIED, 1);
    assert_int_equal(step.action, RETRY_NO);
    assert_int_equal(step.delay_ms, 60000);
}

static void keys_are_renewed_once(void **state)
{
    (void)state;
    struct retry_step first = retry_decide(API_CREDENTIALS, 1, false, true, 500, 7);
    struct retry_step second = retry_decide(API_CREDENTIALS, 2, true, false, 500, 7);
    assert_int_equal(first.action, RETRY_RENEW_KEYS);
    assert_int_equal(first.delay_ms, 0);
    assert_int_equal(second.action, RETRY_NO);
    assert_int_equal(second.delay_ms, RETRY_DENIED_MS);
}

static void the_clock_is_corrected_once(void **state)
{
    (void)state;
    struct retry_step first = retry_decide(API_CLOCK, 1, true, false, 500, 7);
    struct retry_step second = retry_decide(API_CLOCK, 2, false, true, 500, 7);
    assert_int_equal(first.action, RETRY_CLOCK);
    assert_int_equal(first.delay_ms, 0);
    assert_int_equal(second.action, RETRY_NO);
    assert_int_equal(second.delay_ms, RETRY_DENIED_MS);
}

static void delays_double_up_to_the_ceiling(void **state)
{
    (void)state;
    static const int64_t steps[] = {200, 400, 800, 1600, 3200, 6400, 12800, 20000, 20000};
    static const enum api_class classes[] = {API_TEMPORARY, API_BROKEN, API_THROTTLED};
    for (size_t c = 0; c < ARRAY_LEN(classes); c++)
        for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
            unsigned attempt = (unsigned)i + 1;
            int64_t half = steps[i] / 2;
            /* The least and the greatest draw. */
            struct retry_step least = retry_decide(classes[c], attempt, false, false, 0, 0);
            struct retry_step most =
                retry_decide(classes[c], attempt, false, false, 0, (uint64_t)half);
            assert_int_equal(least.action, RETRY_AFTER);
            assert_int_equal(least.delay_ms, half);
            assert_int_equal(most.delay_ms, steps[i]);
        }
}

static void every_draw_is_within_the_step(void **state)
{
    (void)state;
    uint64_t random = 1;
    bool seen_low = false, seen_high = false;
    for (int i = 0; i < 10000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int64_t ms = retry_decide(API_TEMPORARY, 5, false, false, 0, random).delay_ms;
        assert_in_range(ms, 1600, 3200);
        seen_low |= ms < 1900;
        seen_high |= ms > 2900;
    }
    assert_true(seen_low && seen_high);
    int64_t extreme = retry_decide(API_TEMPORARY, 5, false, false, 0, UINT64_MAX).delay_ms;
    assert_in_range(extreme, 1600, 3200);
}

static void any_count_of_attempts_is_safe(void **state)
{
    (void)state;
    assert_int_equal(decide(API_TEMPORARY, 0).delay_ms, RETRY_BASE_MS / 2);
    assert_int_equal(decide(API_TEMPORARY, 1000).delay_ms, RETRY_CEILING_MS / 2);
    assert_int_equal(decide(API_TEMPORARY, (unsigned)-1).delay_ms, RETRY_CEILING_MS / 2);
}

static void the_services_wish_is_honoured_up_to_its_ceiling(void **state)
{
    (void)state;
    assert_int_equal(retry_decide(API_THROTTLED, 1, false, false, 1500, 0).delay_ms, 1500);
    assert_int_equal(retry_decide(API_THROTTLED, 1, false, false, 999999999, 0).delay_ms,
                     RETRY_AFTER_MAX_MS);
    assert_int_equal(retry_decide(API_THROTTLED, 1, false, false, INT64_MAX, 0).delay_ms,
                     RETRY_AFTER_MAX_MS);
}

static void a_tiny_wish_does_not_undo_the_back_off(void **state)
{
    (void)state;
    assert_int_equal(retry_decide(API_THROTTLED, 6, false, false, 1, 0).delay_ms, 3200);
    assert_int_equal(retry_decide(API_TEMPORARY, 1, false, false, -5, 0).delay_ms, 100);
    assert_int_equal(retry_decide(API_TEMPORARY, 1, false, false, INT64_MIN, 0).delay_ms, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(final_answers_are_not_asked_again),
        cmocka_unit_test(denied_rests_for_a_minute),
        cmocka_unit_test(keys_are_renewed_once),
        cmocka_unit_test(the_clock_is_corrected_once),
        cmocka_unit_test(delays_double_up_to_the_ceiling),
        cmocka_unit_test(every_draw_is_within_the_step),
        cmocka_unit_test(any_count_of_attempts_is_safe),
        cmocka_unit_test(the_services_wish_is_honoured_up_to_its_ceiling),
        cmocka_unit_test(a_tiny_wish_does_not_undo_the_back_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
