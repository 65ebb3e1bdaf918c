/* The circuit breaker: an outage is known as one, a hiccup is not. */
#include "live/breaker.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void five_failures_in_a_row_over_a_second_open_it(void **state)
{
    (void)state;
    struct breaker b = {0};
    for (int i = 0; i < 4; i++)
        assert_false(breaker_note(&b, API_TEMPORARY, 100 + i * 300));
    assert_false(b.open);
    assert_true(breaker_note(&b, API_TEMPORARY, 1300));
    assert_true(b.open);
    assert_false(breaker_note(&b, API_TEMPORARY, 1400)); /* no change: told once */
}

static void a_burst_of_failures_within_a_second_does_not(void **state)
{
    (void)state;
    struct breaker b = {0};
    for (int i = 0; i < 64; i++)
        assert_false(breaker_note(&b, API_TEMPORARY, 5000 + i));
    assert_false(b.open);
    assert_true(breaker_note(&b, API_TEMPORARY, 6000));
}

static void any_other_answer_closes_it_and_starts_the_count_again(void **state)
{
    (void)state;
    static const enum api_class others[] = {API_OK,     API_NOT_FOUND,   API_BAD_REQUEST,
                                            API_DENIED, API_CREDENTIALS, API_CLOCK,
                                            API_BROKEN, API_THROTTLED};
    for (size_t o = 0; o < sizeof(others) / sizeof(others[0]); o++) {
        struct breaker b = {0};
        for (int i = 0; i < 4; i++)
            breaker_note(&b, API_TEMPORARY, i * 1000);
        assert_false(breaker_note(&b, others[o], 4000));
        for (int i = 5; i < 9; i++)
            assert_false(breaker_note(&b, API_TEMPORARY, i * 1000));
        assert_true(breaker_note(&b, API_TEMPORARY, 9000));
        assert_true(breaker_note(&b, others[o], 10000));
        assert_false(b.open);
        assert_false(breaker_note(&b, others[o], 10001));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_failures_in_a_row_over_a_second_open_it),
        cmocka_unit_test(a_burst_of_failures_within_a_second_does_not),
        cmocka_unit_test(any_other_answer_closes_it_and_starts_the_count_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
