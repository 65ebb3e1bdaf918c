/* Numbers from outside: one parser, and it refuses what is not a number. */
#include "base/num.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void whole_numbers_keep_to_their_range(void **state)
{
    (void)state;
    uint64_t n = 42;
    assert_int_equal(num_parse_u64("10", 1, 10, &n), 0);
    assert_int_equal(n, 10);
    assert_int_equal(num_parse_u64("007", 1, 10, &n), 0);
    assert_int_equal(n, 7);
    assert_int_equal(num_parse_u64("18446744073709551615", 0, UINT64_MAX, &n), 0);
    assert_true(n == UINT64_MAX);
    static const char *const bad[] = {"",
                                      "0",
                                      "11",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "1e1",
                                      "1.0",
                                      "x",
                                      "18446744073709551616",
                                      "99999999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        n = 42;
        assert_int_equal(num_parse_u64(bad[i], 1, 10, &n), -1);
        assert_int_equal(n, 42);
    }
    assert_int_equal(num_parse_u64("18446744073709551616", 0, UINT64_MAX, &n), -1);
}

static void durations_take_every_documented_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"5", 5000},     {"5s", 5000},      {"500ms", 500},
                {"10m", 600000}, {"24h", 86400000}, {"7d", 604800000},
                {"0", 0},        {"0.5", 500},      {"1.5h", 5400000}};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t ms = -1;
        assert_int_equal(num_parse_duration(good[i].text, &ms), 0);
        assert_int_equal(ms, good[i].ms);
    }
}

static void durations_refuse_what_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "s",  "-1", "+1",  " 1",   "1 ",        "1x",
                                      "1ss", ".5", "1.", "1e3", "0x10", "999999999d"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t ms;
        assert_int_equal(num_parse_duration(bad[i], &ms), -1);
    }
}

static void doubles_print_in_the_shortest_form_that_reads_back_the_same(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } good[] = {
        {30.5, "30.5"},   {100, "100"},      {30.033333, "30.033333"},       {0.1, "0.1"}, {0, "0"},
        {-2.25, "-2.25"}, {1e300, "1e+300"}, {1.0 / 3, "0.3333333333333333"}};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char out[NUM_DOUBLE_LEN];
        num_format_double(good[i].value, out);
        assert_string_equal(out, good[i].text);
    }
}

static void sizes_and_modes_refuse_overflow_and_junk(void **state)
{
    (void)state;
    uint64_t n;
    uint32_t mode;
    assert_int_equal(num_parse_size("64M", &n), 0);
    assert_int_equal(n, UINT64_C(64) << 20);
    assert_int_equal(num_parse_size("99999999999T", &n), -1);
    assert_int_equal(num_parse_size("M", &n), -1);
    assert_int_equal(num_parse_size("-1", &n), -1);
    assert_int_equal(num_parse_mode("0222", &mode), 0);
    assert_int_equal(mode, 0222);
    assert_int_equal(num_parse_mode("0888", &mode), -1);
    assert_int_equal(num_parse_mode("7777", &mode), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_keep_to_their_range),
        cmocka_unit_test(durations_take_every_documented_unit),
        cmocka_unit_test(durations_refuse_what_is_none),
        cmocka_unit_test(doubles_print_in_the_shortest_form_that_reads_back_the_same),
        cmocka_unit_test(sizes_and_modes_refuse_overflow_and_junk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
