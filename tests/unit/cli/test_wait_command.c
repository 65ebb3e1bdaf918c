/* The words of `icejobfs wait`, and what it takes for a mount. */
#include "base/attr.h"
#include "cli/wait_command.h"
#include "cli/wait_jobs.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define WORDS_MAX 8

struct words {
    char *argv[WORDS_MAX + 1];
    int argc;
};

static struct words split(const char *line)
{
    static char text[256];
    struct words w = {.argc = 0};
    snprintf(text, sizeof text, "%s", line);
    for (char *save = NULL, *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save))
        w.argv[w.argc++] = p;
    return w;
}

static void assert_refused(const char *line, const char *word)
{
    struct words w = split(line);
    struct wait_options o;
    struct err err = {""};
    assert_int_equal(wait_command_parse(w.argc, w.argv, &o, &err), -1);
    if (!strstr(err.text, word))
        fail_msg("%s: \"%s\" should hold \"%s\"", line, err.text, word);
}

static void the_time_may_stand_before_or_behind_the_directories(void **state)
{
    (void)state;
    static const char *const lines[] = {"wait --timeout 2m a b", "wait a --timeout=120s b",
                                        "wait a b --timeout 120"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct words w = split(lines[i]);
        struct wait_options o;
        assert_int_equal(wait_command_parse(w.argc, w.argv, &o, NULL), 0);
        assert_true(o.timeout_ms == 120000);
        assert_int_equal(o.n_dirs, 2);
        assert_string_equal(o.dirs[0], "a");
        assert_string_equal(o.dirs[1], "b");
    }
}

static void without_a_time_there_is_no_end(void **state)
{
    (void)state;
    struct words w = split("wait -- --timeout");
    struct wait_options o;
    assert_int_equal(wait_command_parse(w.argc, w.argv, &o, NULL), 0);
    assert_true(o.timeout_ms == INT64_MAX);
    assert_int_equal(o.n_dirs, 1);
    assert_string_equal(o.dirs[0], "--timeout");
    assert_false(o.help);
}

static void misuse_is_named(void **state)
{
    (void)state;
    assert_refused("wait", "JOBDIR");
    assert_refused("wait --timeout 5", "JOBDIR");
    assert_refused("wait a --timeout", "--timeout needs");
    assert_refused("wait --timeout soon a", "--timeout=soon");
    assert_refused("wait --timeout=-1 a", "--timeout=-1");
    assert_refused("wait --nonsense a", "--nonsense");
    assert_refused("wait a -x", "-x");
}

static void a_directory_must_be_on_a_mount(void **state)
{
    (void)state;
    struct err err = {""};
    assert_int_equal(wait_command_check("/proc", &err), -1);
    assert_non_null(strstr(err.text, "/proc: not in a mount"));
    assert_int_equal(wait_command_check("/nonexistent", &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent: no such job"));
    assert_int_equal(wait_command_check("/proc/self/stat/x", &err), -1);
    assert_non_null(strstr(err.text, "Not a directory"));
}

/* The exit status of the command, run as a process with its output gone. */
static int status_of(const char *line)
{
    struct words w = split(line);
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        exit(wait_command_run(w.argc, w.argv));
    }
    int status = -1;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void misuse_ends_with_2_and_help_with_0(void **state)
{
    (void)state;
    assert_int_equal(status_of("wait"), WAIT_EXIT_REFUSED);
    assert_int_equal(status_of("wait /proc"), WAIT_EXIT_REFUSED);
    assert_int_equal(status_of("wait --timeout 1 /nonexistent"), WAIT_EXIT_REFUSED);
    assert_int_equal(status_of("wait --help"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_time_may_stand_before_or_behind_the_directories),
        cmocka_unit_test(without_a_time_there_is_no_end),
        cmocka_unit_test(misuse_is_named),
        cmocka_unit_test(a_directory_must_be_on_a_mount),
        cmocka_unit_test(misuse_ends_with_2_and_help_with_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
