/* When to ask for new keys: never too late, never busy. */
#include "api/creds_policy.h"
#include "base/attr.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MINUTE  INT64_C(60000)
#define QUARTER INT64_C(900000)

static struct creds_status keys_for(int64_t life_ms)
{
    return (struct creds_status){
        .have = true, .got_real_ms = 1000, .expires_real_ms = 1000 + life_ms};
}

static void long_lives_are_renewed_a_quarter_of_an_hour_ahead(void **state)
{
    (void)state;
    struct creds_status s = keys_for(60 * MINUTE);
    assert_int_equal(creds_renew_at(&s), s.expires_real_ms - QUARTER);
    s = keys_for(6 * 60 * MINUTE);
    assert_int_equal(creds_renew_at(&s), s.expires_real_ms - QUARTER);
}

static void short_lives_are_renewed_three_minutes_ahead(void **state)
{
    (void)state;
    struct creds_status s = keys_for(45 * MINUTE);
    assert_int_equal(creds_renew_at(&s), s.expires_real_ms - 3 * MINUTE);
    s = keys_for(QUARTER);
    assert_int_equal(creds_renew_at(&s), s.expires_real_ms - 3 * MINUTE);
}

static void very_short_lives_are_renewed_at_their_half(void **state)
{
    (void)state;
    struct creds_status s = keys_for(4 * MINUTE);
    assert_int_equal(creds_renew_at(&s), 1000 + 2 * MINUTE);
}

static void permanent_keys_are_never_renewed(void **state)
{
    (void)state;
    struct creds_status s = {.have = true, .got_real_ms = 1000};
    assert_int_equal(creds_renew_at(&s), INT64_MAX);
    struct creds_plan p = creds_plan(&s, INT64_MAX / 2, 0);
    assert_int_equal(p.what, CREDS_DO_WAIT);
    assert_int_equal(p.wait_ms, CREDS_LOOK_MS);
}

static void keys_of_unknown_life_are_obtained_again_after_a_while(void **state)
{
    (void)state;
    struct creds_status s = {.have = true, .got_real_ms = 1000, .renew_after_ms = 5 * MINUTE};
    assert_int_equal(creds_plan(&s, 1000 + 5 * MINUTE - 1, 5 * MINUTE).what, CREDS_DO_WAIT);
    assert_int_equal(creds_plan(&s, 1000 + 5 * MINUTE, 5 * MINUTE).what, CREDS_DO_RENEW);
}

static void a_renewal_comes_when_it_is_due_and_not_before(void **state)
{
    (void)state;
    struct creds_status s = keys_for(60 * MINUTE);
    int64_t due = creds_renew_at(&s);
    assert_int_equal(creds_plan(&s, due - 1, 60 * MINUTE).what, CREDS_DO_WAIT);
    assert_int_equal(creds_plan(&s, due, 60 * MINUTE).what, CREDS_DO_RENEW);
    assert_int_equal(creds_plan(&s, due + 100 * MINUTE, 60 * MINUTE).what, CREDS_DO_RENEW);
}

static void waits_end_at_the_next_event(void **state)
{
    (void)state;
    struct creds_status s = keys_for(60 * MINUTE);
    int64_t due = creds_renew_at(&s);
    assert_int_equal(creds_plan(&s, due - 700, 60 * MINUTE).wait_ms, 700);
    assert_int_equal(creds_plan(&s, due - 5000, 60 * MINUTE).wait_ms, CREDS_LOOK_MS);
    assert_int_equal(creds_plan(&s, due - 1, 60 * MINUTE).wait_ms, 10);
}

static void a_source_that_keeps_giving_dying_keys_is_not_asked_more_than_once_a_second(void **state)
{
    (void)state;
    struct creds_status s = keys_for(100);
    s.attempt_mono_ms = 5000;
    assert_int_equal(creds_plan(&s, 1099, 5999).what, CREDS_DO_WAIT);
    assert_int_equal(creds_plan(&s, 1099, 6000).what, CREDS_DO_RENEW);
}

static void back_off_doubles_from_a_second_to_a_minute(void **state)
{
    (void)state;
    static const int64_t steps[] = {0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    for (unsigned i = 0; i < ARRAY_LEN(steps); i++)
        assert_int_equal(creds_backoff_ms(i), steps[i]);
    assert_int_equal(creds_backoff_ms(4000000000U), 60000);
}

static void a_failure_is_made_good_after_its_pause(void **state)
{
    (void)state;
    struct creds_status s = keys_for(60 * MINUTE);
    s.failures = 3;
    s.attempt_mono_ms = 10000;
    assert_int_equal(creds_plan(&s, 1000, 13999).what, CREDS_DO_WAIT);
    assert_int_equal(creds_plan(&s, 1000, 14000).what, CREDS_DO_RENEW);
    s.have = false;
    assert_int_equal(creds_plan(&s, 1000, 13999).what, CREDS_DO_WAIT);
    assert_int_equal(creds_plan(&s, 1000, 14000).what, CREDS_DO_WALK);
}

static void without_keys_the_chain_is_walked_at_once(void **state)
{
    (void)state;
    struct creds_status s = {.have = false};
    assert_int_equal(creds_plan(&s, 0, 0).what, CREDS_DO_WALK);
}

static void changed_files_are_read_at_once_even_while_backing_off(void **state)
{
    (void)state;
    struct creds_status s = keys_for(60 * MINUTE);
    s.failures = 7;
    s.attempt_mono_ms = 1000;
    s.files_changed = true;
    assert_int_equal(creds_plan(&s, 1000, 1001).what, CREDS_DO_WALK);
}

static void refusals_cause_a_walk_but_not_more_often_than_every_five_seconds(void **state)
{
    (void)state;
    struct creds_status s = {.have = true, .refused = true};
    assert_int_equal(creds_plan(&s, 0, 100).what, CREDS_DO_WALK);
    s.refused_before = true;
    s.refused_mono_ms = 100;
    struct creds_plan p = creds_plan(&s, 0, 5000);
    assert_int_equal(p.what, CREDS_DO_WAIT);
    assert_int_equal(p.wait_ms, 100);
    assert_int_equal(creds_plan(&s, 0, 5100).what, CREDS_DO_WALK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_lives_are_renewed_a_quarter_of_an_hour_ahead),
        cmocka_unit_test(short_lives_are_renewed_three_minutes_ahead),
        cmocka_unit_test(very_short_lives_are_renewed_at_their_half),
        cmocka_unit_test(permanent_keys_are_never_renewed),
        cmocka_unit_test(keys_of_unknown_life_are_obtained_again_after_a_while),
        cmocka_unit_test(a_renewal_comes_when_it_is_due_and_not_before),
        cmocka_unit_test(waits_end_at_the_next_event),
        cmocka_unit_test(
            a_source_that_keeps_giving_dying_keys_is_not_asked_more_than_once_a_second),
        cmocka_unit_test(back_off_doubles_from_a_second_to_a_minute),
        cmocka_unit_test(a_failure_is_made_good_after_its_pause),
        cmocka_unit_test(without_keys_the_chain_is_walked_at_once),
        cmocka_unit_test(changed_files_are_read_at_once_even_while_backing_off),
        cmocka_unit_test(refusals_cause_a_walk_but_not_more_often_than_every_five_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
