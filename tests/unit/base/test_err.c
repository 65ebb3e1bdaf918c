/* Error texts: one line, cut cleanly, built on one another. */
#include "base/err.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_text_is_set_and_prefixed(void **state)
{
    (void)state;
    struct err err = {""};
    assert_int_equal(err_set(&err, "%s: %d", "no such job", 404), -1);
    assert_string_equal(err.text, "no such job: 404");
    assert_int_equal(err_prefix(&err, "reading %s", "x"), -1);
    assert_string_equal(err.text, "reading x: no such job: 404");
}

static void nobody_need_want_the_text(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, "x"), -1);
    assert_int_equal(err_prefix(NULL, "x"), -1);
}

static void control_characters_become_question_marks(void **state)
{
    (void)state;
    struct err err = {""};
    err_set(&err, "a%sb", "\n\r\t\x1b[31m\x7f");
    assert_string_equal(err.text, "a????[31m?b");
    err_prefix(&err, "c\nd");
    assert_string_equal(err.text, "c?d: a????[31m?b");
}

static void the_arguments_may_be_the_old_text(void **state)
{
    (void)state;
    struct err err = {"why"};
    err_set(&err, "what (%s)", err.text);
    assert_string_equal(err.text, "what (why)");
    err_prefix(&err, "%s", err.text);
    assert_string_equal(err.text, "what (why): what (why)");
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char longer[2 * ERR_TEXT_MAX];
    struct err err = {"tail"};
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    err_prefix(&err, "%s", longer);
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
    err_set(&err, "%s", longer);
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
    err_prefix(&err, "p");
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
    assert_memory_equal(err.text, "p: xxx", 6);
}

static void a_cut_does_not_go_through_a_character(void **state)
{
    (void)state;
    static const struct {
        const char *character;
        size_t n;
    } cases[] = {{"\xc3\xa9", 2}, {"\xe4\xbb\xbb", 3}, {"\xf0\x9f\x98\x80", 4}};
    for (size_t c = 0; c < ARRAY_LEN(cases); c++)
        for (int before = ERR_TEXT_MAX - 6; before <= ERR_TEXT_MAX; before++) {
            struct err err;
            err_set(&err, "%*s%s%s", before, "", cases[c].character, "");
            size_t len = strlen(err.text);
            bool fits = (size_t)before + cases[c].n < ERR_TEXT_MAX;
            size_t blanks = (size_t)before < ERR_TEXT_MAX ? (size_t)before : ERR_TEXT_MAX - 1;
            assert_int_equal(len, fits ? (size_t)before + cases[c].n : blanks);
        }
}

static void a_cut_through_no_character_at_all_is_safe(void **state)
{
    (void)state;
    char bytes[ERR_TEXT_MAX + 1];
    struct err err;
    memset(bytes, 0x80, sizeof bytes);
    bytes[ERR_TEXT_MAX] = '\0';
    err_set(&err, "%s", bytes);
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_set_and_prefixed),
        cmocka_unit_test(nobody_need_want_the_text),
        cmocka_unit_test(control_characters_become_question_marks),
        cmocka_unit_test(the_arguments_may_be_the_old_text),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(a_cut_does_not_go_through_a_character),
        cmocka_unit_test(a_cut_through_no_character_at_all_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
