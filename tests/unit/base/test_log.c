/* Log lines: one event a line, below the level nothing, errno untouched. */
#include "base/attr.h"
#include "base/log.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char captured[8192];

/* What `write_lines` puts on stderr goes to `captured`. */
static const char *capture(void (*write_lines)(void))
{
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    CLEANUP_FD int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    write_lines();
    fflush(stderr);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    rewind(file);
    size_t n = fread(captured, 1, sizeof captured - 1, file);
    captured[n] = '\0';
    fclose(file);
    return captured;
}

static int evaluated;

static const char *evaluate(void)
{
    evaluated++;
    return "debugging";
}

static void one_of_each(void)
{
    errno = EXDEV;
    log_error("an error job=%s", "x");
    log_warn("a warning");
    log_info("an info");
    log_debug("%s", evaluate());
    assert_int_equal(errno, EXDEV);
}

static unsigned lines(const char *text)
{
    unsigned n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void lines_have_time_program_and_level(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_INFO);
    const char *text = capture(one_of_each);
    assert_int_equal(text[10], 'T');
    assert_int_equal(text[19], 'Z');
    assert_int_equal(strncmp(text + 20, " icejobfs: error: an error job=x\n", 33), 0);
    assert_non_null(strstr(text, " icejobfs: warning: a warning\n"));
    assert_non_null(strstr(text, " icejobfs: info: an info\n"));
    assert_int_equal(lines(text), 3);
}

static void lines_above_the_level_are_not_even_made(void **state)
{
    (void)state;
    static const enum log_level levels[] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
                                            LOG_LEVEL_DEBUG};
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        log_set_level(levels[i]);
        evaluated = 0;
        assert_int_equal(lines(capture(one_of_each)), i + 1);
        assert_int_equal(evaluated, levels[i] == LOG_LEVEL_DEBUG);
        assert_true(log_wants(levels[i]));
        assert_true(levels[i] == LOG_LEVEL_DEBUG || !log_wants(levels[i] + 1));
    }
    log_set_level(LOG_LEVEL_INFO);
}

static void forge(void)
{
    log_info("a%sb", "\n2026-01-01T00:00:00Z icejobfs: error: forged\x1b\x7f\r");
}

static void a_line_cannot_be_forged(void **state)
{
    (void)state;
    const char *text = capture(forge);
    assert_int_equal(lines(text), 1);
    assert_non_null(strstr(text, "a?2026-01-01T00:00:00Z icejobfs: error: forged???b\n"));
}

static void write_long(void)
{
    log_info("%*d", 100000, 1);
}

static void a_long_line_is_cut(void **state)
{
    (void)state;
    const char *text = capture(write_long);
    assert_int_equal(lines(text), 1);
    assert_in_range(strlen(text), 2000, 2200);
}

static void to_syslog(void)
{
    log_to_syslog(true);
    one_of_each();
    log_to_syslog(false);
}

static void in_the_background_nothing_goes_to_stderr(void **state)
{
    (void)state;
    assert_string_equal(capture(to_syslog), "");
    assert_int_equal(lines(capture(one_of_each)), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_time_program_and_level),
        cmocka_unit_test(lines_above_the_level_are_not_even_made),
        cmocka_unit_test(a_line_cannot_be_forged),
        cmocka_unit_test(a_long_line_is_cut),
        cmocka_unit_test(in_the_background_nothing_goes_to_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
