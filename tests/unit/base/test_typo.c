/* Suggestions: the nearest known name, or none rather than a wrong one. */
#include "base/attr.h"
#include "base/typo.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const options[] = {"qps", "ttl", "timeout", "ttl_missing", "cache_size", "vpc"};

static const char *nearest(const char *word)
{
    return typo_nearest(word, options, ARRAY_LEN(options));
}

static void each_kind_of_slip_finds_the_name(void **state)
{
    (void)state;
    assert_string_equal(nearest("timout"), "timeout");   /* left out */
    assert_string_equal(nearest("timeoutt"), "timeout"); /* added */
    assert_string_equal(nearest("timeuot"), "timeout");  /* swapped */
    assert_string_equal(nearest("tineout"), "timeout");  /* replaced */
    assert_string_equal(nearest("TimeOut"), "timeout");  /* another case */
    assert_string_equal(nearest("timeout"), "timeout");  /* none at all */
}

static void a_swap_is_one_slip_not_two(void **state)
{
    (void)state;
    assert_string_equal(nearest("qsp"), "qps"); /* three characters allow one slip */
    assert_string_equal(nearest("cahce-size"), "cache_size");
}

static void a_word_far_from_all_has_no_suggestion(void **state)
{
    (void)state;
    assert_null(nearest("xyz"));
    assert_null(nearest("password"));
    assert_null(nearest(""));
    assert_null(typo_nearest("qps", options, 0));
}

static void the_nearest_wins_over_an_earlier_near_one(void **state)
{
    (void)state;
    static const char *const known[] = {"cn-shenzhen", "cn-shanghai"};
    assert_string_equal(typo_nearest("cn-shanhai", known, 2), "cn-shanghai");
    assert_string_equal(typo_nearest("cn-shenzen", known, 2), "cn-shenzhen");
}

static void words_of_any_length_are_safe(void **state)
{
    (void)state;
    char longest[TYPO_WORD_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[TYPO_WORD_MAX] = '\0';
    const char *const known[] = {longest};
    assert_ptr_equal(typo_nearest(longest, known, 1), longest);

    char longer[4096];
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    const char *const too_long[] = {longer};
    assert_null(typo_nearest(longer, known, 1));
    assert_null(typo_nearest(longest, too_long, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_slip_finds_the_name),
        cmocka_unit_test(a_swap_is_one_slip_not_two),
        cmocka_unit_test(a_word_far_from_all_has_no_suggestion),
        cmocka_unit_test(the_nearest_wins_over_an_earlier_near_one),
        cmocka_unit_test(words_of_any_length_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
