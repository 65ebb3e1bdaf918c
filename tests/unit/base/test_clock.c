/* The service's times: strict, and safe with whatever stands in their place. */
#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void iso_times_are_written_as_the_service_does(void **state)
{
    (void)state;
    static const struct {
        int64_t unix_s;
        const char *text;
    } cases[] = {{0, "1970-01-01T00:00:00Z"},
                 {1608730420, "2020-12-23T13:33:40Z"},
                 {951782400, "2000-02-29T00:00:00Z"},
                 {-1, "1969-12-31T23:59:59Z"},
                 {INT64_C(253402300799), "9999-12-31T23:59:59Z"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[CLOCK_ISO_LEN];
        clock_iso(cases[i].unix_s, out);
        assert_string_equal(out, cases[i].text);
    }
}

static void years_without_four_digits_become_1970(void **state)
{
    (void)state;
    static const int64_t far[] = {INT64_C(253402300800), INT64_C(-62167219201), INT64_MAX,
                                  INT64_MIN};
    for (size_t i = 0; i < ARRAY_LEN(far); i++) {
        char out[CLOCK_ISO_LEN];
        clock_iso(far[i], out);
        assert_string_equal(out, "1970-01-01T00:00:00Z");
    }
}

static void iso_times_are_read_with_and_without_fraction(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"2020-12-23T13:33:40Z", INT64_C(1608730420000000000)},
        {"2020-12-23T13:33:40.5Z", INT64_C(1608730420500000000)},
        {"2020-12-23T13:33:40.123Z", INT64_C(1608730420123000000)},
        {"2020-12-23T13:33:40.123456789Z", INT64_C(1608730420123456789)},
        {"2020-12-23T13:33:40.1234567899999Z", INT64_C(1608730420123456789)},
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.5Z", INT64_C(-500000000)},
        {"2000-02-29T23:59:59Z", INT64_C(951868799000000000)},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t ns = 42;
        assert_int_equal(clock_parse_iso(cases[i].text, &ns), 0);
        assert_int_equal(ns, cases[i].ns);
    }
}

static void what_is_no_iso_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2020",
        "2020-12-23",
        "2020-12-23T13:33:40",
        "2020-12-23T13:33:40z",
        "2020-12-23 13:33:40Z",
        "2020-12-23T13:33:40+00:00",
        "2020-12-23T13:33:40ZZ",
        "2020-12-23T13:33:40.Z",
        "2020-12-23T13:33:40.-1Z",
        "2020-12-23T13:33:40.5",
        " 2020-12-23T13:33:40Z",
        "2020- 1-23T13:33:40Z",
        "2020-1-023T13:33:40Z",
        "2020-12-23T 3:33:40Z",
        "2020-12-23T13:33:4 Z",
        "+020-12-23T13:33:40Z",
        "2020-13-23T13:33:40Z",
        "2020-00-23T13:33:40Z",
        "2020-12-32T13:33:40Z",
        "2020-12-00T13:33:40Z",
        "2021-02-29T13:33:40Z",
        "2020-04-31T13:33:40Z",
        "2020-12-23T24:33:40Z",
        "2020-12-23T13:60:40Z",
        "2020-12-23T13:33:61Z",
        "2020-12-23T13:33:60Z",
        "0000-00-00T00:00:00Z",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t ns = 42;
        if (clock_parse_iso(bad[i], &ns) != -1)
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(ns, 42);
    }
}

static void years_that_nanoseconds_cannot_tell_are_refused(void **state)
{
    (void)state;
    int64_t ns = 42;
    assert_int_equal(clock_parse_iso("9999-12-31T23:59:59Z", &ns), -1);
    assert_int_equal(clock_parse_iso("2262-04-11T23:47:17Z", &ns), -1);
    assert_int_equal(clock_parse_iso("0001-01-01T00:00:00Z", &ns), -1);
    assert_int_equal(ns, 42);
    assert_int_equal(clock_parse_iso("2262-04-11T23:47:15.999999999Z", &ns), 0);
    assert_int_equal(ns, INT64_C(9223372035999999999));
    assert_int_equal(clock_parse_iso("1678-01-01T00:00:00.1Z", &ns), 0);
    assert_true(ns < 0);
}

static void written_times_read_back(void **state)
{
    (void)state;
    for (int64_t s = -3000000000; s < 9000000000; s += 12345678) {
        char out[CLOCK_ISO_LEN];
        int64_t ns;
        clock_iso(s, out);
        assert_int_equal(clock_parse_iso(out, &ns), 0);
        assert_int_equal(ns, s * NS_PER_S);
    }
}

static void http_dates_are_read(void **state)
{
    (void)state;
    int64_t s = 42;
    assert_int_equal(clock_parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", &s), 0);
    assert_int_equal(s, 784111777);
    assert_int_equal(clock_parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT", &s), 0);
    assert_int_equal(s, INT64_C(253402300799));
}

static void what_is_no_http_date_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "0",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "Sun, 31 Feb 1994 08:49:37 GMT",
                                      "Sun, 06 Foo 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 25:49:37 GMT",
                                      "Sunday, 06-Nov-94 08:49:37 GMT",
                                      "1994-11-06T08:49:37Z"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t s = 42;
        if (clock_parse_http_date(bad[i], &s) != -1)
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(s, 42);
    }
}

static void the_clocks_go_forward_in_their_units(void **state)
{
    (void)state;
    int64_t mono = clock_mono_ms(), real = clock_real_ns();
    assert_true(clock_mono_ms() >= mono);
    assert_in_range(clock_mono_ms() - mono, 0, 60 * MS_PER_S);
    int64_t now = (int64_t)time(NULL);
    assert_in_range(now - real / NS_PER_S + 60, 0, 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iso_times_are_written_as_the_service_does),
        cmocka_unit_test(years_without_four_digits_become_1970),
        cmocka_unit_test(iso_times_are_read_with_and_without_fraction),
        cmocka_unit_test(what_is_no_iso_time_is_refused),
        cmocka_unit_test(years_that_nanoseconds_cannot_tell_are_refused),
        cmocka_unit_test(written_times_read_back),
        cmocka_unit_test(http_dates_are_read),
        cmocka_unit_test(what_is_no_http_date_is_refused),
        cmocka_unit_test(the_clocks_go_forward_in_their_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
