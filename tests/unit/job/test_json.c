/* The strict reader: what RFC 8259 allows, and nothing else. */
#include "job/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "job/samples.h"

static int parse(const char *text, size_t len)
{
    CLEANUP_JSON struct json j = {0};
    /* memory of the very size, so that a sanitizer sees a look past the end */
    CLEANUP_FREE char *exact = malloc(len ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    return json_parse(&j, exact, len, NULL);
}

static void valid_texts_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = {"0",
                                       "-0",
                                       "-0.5e+10",
                                       "1E5",
                                       "10.25",
                                       "\"\"",
                                       "true",
                                       "false",
                                       "null",
                                       " \t\r\n[ ] ",
                                       "{}",
                                       "{\"\":0}",
                                       "[1,[2,{\"a\":[]}],null]",
                                       "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83C\\udfac\"",
                                       "\"\x7f早\xf0\x9f\x8e\xac\xf4\x8f\xbf\xbf\""};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (parse(good[i], strlen(good[i])) < 0)
            fail_msg("refused: %s", good[i]);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      " ",
                                      "nul",
                                      "nulls",
                                      "True",
                                      "NaN",
                                      "Infinity",
                                      "-",
                                      "+1",
                                      "01",
                                      "-01",
                                      "1.",
                                      ".5",
                                      "1.e5",
                                      "1e",
                                      "1e+",
                                      "0x10",
                                      "1 2",
                                      "[",
                                      "]",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "{",
                                      "}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "{\"a\" 1}",
                                      "{1:1}",
                                      "{\"a\":1 \"b\":2}",
                                      "[1}",
                                      "{\"a\":1]",
                                      "\"",
                                      "\"a",
                                      "\"\\",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\u12g4\"",
                                      "\"\\u\"",
                                      "\"a\nb\"",
                                      "\"a\tb\"",
                                      "{} {}",
                                      "{}x",
                                      "[]]",
                                      "/**/{}",
                                      "[1]//",
                                      "\xef\xbb\xbf{}",
                                      "\f[]",
                                      "\"\x01\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse(bad[i], strlen(bad[i])) == 0)
            fail_msg("taken: %s", bad[i]);
}

static void each_valid_text_cut_anywhere_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "{\"a\":[1.5,true,\"\\ud83c\\udfac\",{\"b\":null}],\"c\":\"早\"}";
    assert_int_equal(parse(whole, sizeof whole - 1), 0);
    for (size_t n = 0; n < sizeof whole - 1; n++)
        assert_int_equal(parse(whole, n), -1);
}

static void bytes_that_are_not_utf8_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc3",
                                      "\xc3(",
                                      "\xe0\x9f\xbf",
                                      "\xe6\x97",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf0\x9f\x8e",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xfe",
                                      "\xff",
                                      "\xe6\x97\xe6"};
    char text[64];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (int pad = 0; pad < 9; pad++) { /* at every place of an eight-byte step */
            snprintf(text, sizeof text, "\"%.*s%s\"", pad, "aaaaaaaa", bad[i]);
            assert_int_equal(parse(text, strlen(text)), -1);
        }
}

static void control_characters_are_refused_at_every_place(void **state)
{
    (void)state;
    char text[64];
    for (char c = 1; c <= 0x20; c++)
        for (int pad = 0; pad < 9; pad++) {
            snprintf(text, sizeof text, "\"%.*s%caaaaaaaaaaaa\"", pad, "aaaaaaaa", c);
            assert_int_equal(parse(text, strlen(text)), c < 0x20 ? -1 : 0);
        }
}

static void a_nul_is_refused_raw_and_escaped(void **state)
{
    (void)state;
    assert_int_equal(parse("\"a\0b\"", 5), -1);
    assert_int_equal(parse("[1]\0", 4), -1);
    assert_int_equal(parse("\0", 1), -1);
    assert_int_equal(parse("\"\\u0000\"", 8), -1);
    assert_int_equal(parse("{\"a\\u0000\":1}", 13), -1);
    assert_int_equal(parse("\"\\\0\"", 4), -1);
}

static void surrogates_come_in_pairs(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"\\ud83c\"",    "\"\\udfac\"",        "\"\\ud83cx\"",
                                      "\"\\ud83c\\n\"", "\"\\ud83c\\u0041\"", "\"\\ud83c\\ud83c\"",
                                      "\"\\ud83c\\u"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(parse(bad[i], strlen(bad[i])), -1);
}

static void depth_count_and_size_have_ceilings(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf b = BUF_INIT(JOB_REPLY_MAX + 100);
    for (int deep = 0; deep < 2; deep++) {
        buf_reset(&b);
        for (int i = 0; i < JOB_DEPTH_MAX + deep; i++)
            assert_int_equal(buf_adds(&b, "["), 0);
        for (int i = 0; i < JOB_DEPTH_MAX + deep; i++)
            assert_int_equal(buf_adds(&b, "]"), 0);
        assert_int_equal(parse(b.data, b.len), deep ? -1 : 0);
    }
    for (int many = 0; many < 2; many++) {
        buf_reset(&b);
        assert_int_equal(buf_adds(&b, "[0"), 0);
        for (int i = 0; i < JOB_NODES_MAX - 2 + many; i++)
            assert_int_equal(buf_adds(&b, ",0"), 0);
        assert_int_equal(buf_adds(&b, "]"), 0);
        assert_int_equal(parse(b.data, b.len), many ? -1 : 0);
    }
    buf_reset(&b);
    while (b.len < JOB_REPLY_MAX)
        assert_int_equal(
            buf_adds(&b, "                                                                "), 0);
    b.data[0] = '0';
    assert_int_equal(parse(b.data, b.len), 0);
    assert_int_equal(buf_adds(&b, " "), 0);
    assert_int_equal(parse(b.data, b.len), -1);
}

static void an_unclosed_tower_of_brackets_costs_nothing(void **state)
{
    (void)state;
    CLEANUP_FREE char *tower = malloc(1000000);
    assert_non_null(tower);
    memset(tower, '[', 1000000);
    assert_int_equal(parse(tower, 1000000), -1);
}

static void assert_number(const char *sent, const char *want)
{
    CLEANUP_JSON struct json j = {0};
    char scratch[JSON_NUMBER_MAX + 1];
    size_t len;
    assert_int_equal(json_parse(&j, sent, strlen(sent), NULL), 0);
    const char *text = json_number_text(&j.values[0], scratch, &len);
    if (len != strlen(want) || memcmp(text, want, len) != 0)
        fail_msg("%s reads as %.*s, not as %s", sent, (int)len, text, want);
}

static void numbers_read_in_the_shortest_form_of_the_same_value(void **state)
{
    (void)state;
    assert_number("30.5", "30.5");
    assert_number("30.500000", "30.5");
    assert_number("30.033333", "30.033333");
    assert_number("100.0", "100");
    assert_number("1e2", "100");
    assert_number("-0", "0");
    assert_number("0.000", "0");
    assert_number("-12", "-12");
    assert_number("0.1", "0.1");
    assert_number("999999999999999", "999999999999999");
}

static void numbers_that_a_double_cannot_hold_read_as_sent(void **state)
{
    (void)state;
    assert_number("9007199254740993", "9007199254740993");
    assert_number("18446744073709551615", "18446744073709551615");
    assert_number("-9223372036854775809", "-9223372036854775809");
    assert_number("123456789012345678901234567890", "123456789012345678901234567890");
    assert_number("0.1234567890123456789", "0.1234567890123456789");
    assert_number("1e400", "1e400");
    assert_number("1e-400", "1e-400");
    assert_number("1e22", "1e22");
}

static void numbers_without_end_are_refused(void **state)
{
    (void)state;
    char digits[JSON_NUMBER_MAX + 2];
    memset(digits, '1', sizeof digits);
    assert_int_equal(parse(digits, JSON_NUMBER_MAX), 0);
    assert_int_equal(parse(digits, JSON_NUMBER_MAX + 1), -1);
    digits[1] = '.';
    assert_int_equal(parse(digits, JSON_NUMBER_MAX + 1), -1);
}

static void values_of_the_upper_levels_are_there_with_their_bytes(void **state)
{
    (void)state;
    static const char text[] =
        " {\"a\": [ {\"k\" : \"v\\n\", \"deep\":{\"x\":[1]}} , 7 ], \"\\u0062\":null} ";
    CLEANUP_JSON struct json j = {0};
    assert_int_equal(json_parse(&j, text, sizeof text - 1, NULL), 0);
    assert_int_equal(j.n, 7);
    size_t a = json_member(&j, 0, "a");
    assert_int_equal(a, 1);
    assert_int_equal(json_member(&j, 0, "b"), JSON_NONE); /* null is as good as absent */
    assert_int_equal(json_member(&j, 0, "A"), JSON_NONE);
    size_t item = json_first(&j, a);
    assert_int_equal(j.values[item].type, JSON_OBJECT);
    assert_string_equal(j.values[json_member(&j, item, "k")].text, "v\n");
    const struct json_value *deep = &j.values[json_member(&j, item, "deep")];
    assert_int_equal(deep->raw_len, strlen("{\"x\":[1]}"));
    assert_memory_equal(deep->raw, "{\"x\":[1]}", deep->raw_len);
    size_t seven = json_next(&j, a, item);
    assert_true(j.values[seven].number == 7);
    assert_int_equal(json_next(&j, a, seven), JSON_NONE);
}

static void a_refusal_says_where_and_why(void **state)
{
    (void)state;
    struct err err = {""};
    CLEANUP_JSON struct json j = {0};
    assert_int_equal(json_parse(&j, "[1,2", 4, &err), -1);
    assert_string_equal(err.text, "byte 4: neither a comma nor the end of what was begun");
}

static void every_type_has_a_name(void **state)
{
    (void)state;
    for (enum json_type t = JSON_NULL; t <= JSON_OBJECT; t++)
        assert_string_not_equal(json_type_name(t), "nothing");
    assert_string_equal(json_type_name((enum json_type)99), "nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_texts_are_taken),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(each_valid_text_cut_anywhere_is_refused),
        cmocka_unit_test(bytes_that_are_not_utf8_are_refused),
        cmocka_unit_test(control_characters_are_refused_at_every_place),
        cmocka_unit_test(a_nul_is_refused_raw_and_escaped),
        cmocka_unit_test(surrogates_come_in_pairs),
        cmocka_unit_test(depth_count_and_size_have_ceilings),
        cmocka_unit_test(an_unclosed_tower_of_brackets_costs_nothing),
        cmocka_unit_test(numbers_read_in_the_shortest_form_of_the_same_value),
        cmocka_unit_test(numbers_that_a_double_cannot_hold_read_as_sent),
        cmocka_unit_test(numbers_without_end_are_refused),
        cmocka_unit_test(values_of_the_upper_levels_are_there_with_their_bytes),
        cmocka_unit_test(a_refusal_says_where_and_why),
        cmocka_unit_test(every_type_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
