/* Commands of the user's: split like a shell, run without one, never waited for beyond a limit. */
#include "api/creds_process.h"
#include "base/clock.h"
#include "support/alloc_fail.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void words_are_parted_and_quoted_like_in_a_shell(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words[6];
    } good[] = {
        {"get-keys", {"get-keys"}},
        {"  get-keys \t --role  a\n", {"get-keys", "--role", "a"}},
        {"a 'b c' \"d e\"", {"a", "b c", "d e"}},
        {"a'b'\"c\"d", {"abcd"}},
        {"a '' \"\"", {"a", "", ""}},
        {"a\\ b '\\' \"\\\"\\\\\\x\"", {"a b", "\\", "\"\\\\x"}},
        {"echo $HOME `id` ; rm *", {"echo", "$HOME", "`id`", ";", "rm", "*"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct creds_words w;
        assert_int_equal(creds_words_split(good[i].text, &w, NULL), 0);
        for (size_t k = 0; k < w.n; k++)
            assert_string_equal(w.at[k], good[i].words[k]);
        assert_true(w.n == 6 || !good[i].words[w.n]);
        assert_null(w.at[w.n]);
        creds_words_free(&w);
    }
}

static void command_lines_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", " \t\n", "a 'b", "a \"b", "a \"b\\", "a\\"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct creds_words w;
        struct err err = {0};
        assert_int_equal(creds_words_split(bad[i], &w, &err), -1);
        assert_true(err.text[0]);
        creds_words_free(&w);
    }
}

static void too_many_words_and_too_long_ones_are_refused(void **state)
{
    (void)state;
    static char many[1000], big[70000];
    for (size_t i = 0; i < sizeof many - 1; i++)
        many[i] = "a "[i % 2];
    memset(big, 'x', sizeof big - 1);
    struct creds_words w;
    assert_int_equal(creds_words_split(many, &w, NULL), -1);
    creds_words_free(&w);
    assert_int_equal(creds_words_split(big, &w, NULL), -1);
    creds_words_free(&w);
}

static void words_survive_every_failing_allocation(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct creds_words w;
        alloc_fail_at(n);
        int rc = creds_words_split("one 'two three' \"four\"", &w, NULL);
        bool fired = alloc_fail_fired();
        creds_words_free(&w);
        assert_int_equal(rc, fired ? -1 : 0);
        if (!fired)
            break;
    }
}

static atomic_bool go_on; /* false: not stopped */

/* Run a script with sh and give its output. */
static int sh(const char *script, int64_t timeout_ms, size_t max, char *out, struct err *err)
{
    char *const argv[] = {(char *)(uintptr_t)"sh", (char *)(uintptr_t)"-c",
                          (char *)(uintptr_t)script, NULL};
    struct buf b = BUF_INIT(max);
    int rc = creds_process_run(argv, timeout_ms, &go_on, &b, err);
    if (out)
        snprintf(out, 256, "%s", buf_str(&b));
    buf_free(&b);
    return rc;
}

static void output_is_read_to_its_end(void **state)
{
    (void)state;
    char out[256];
    assert_int_equal(sh("printf a; sleep 0.1; printf b", 5000, 100, out, NULL), 0);
    assert_string_equal(out, "ab");
}

static void commands_see_an_empty_stdin_and_no_descriptors_of_ours(void **state)
{
    (void)state;
    char out[256];
    int leak = dup(2); /* not close-on-exec */
    assert_int_equal(sh("cat; ls /proc/self/fd | tr '\\n' ' '", 5000, 200, out, NULL), 0);
    close(leak);
    /* 3 is the folder that ls itself reads. */
    assert_string_equal(out, "0 1 2 3 ");
}

static void commands_get_default_signals_whatever_this_thread_blocks(void **state)
{
    (void)state;
    sigset_t all, old;
    char out[256];
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    /* The last 7 digits are the signals 1 to 28; some above belong to the C library. */
    int rc =
        sh("sed -nE 's/^Sig(Blk|Ign):.*(.{7})$/\\2/p' /proc/self/status", 5000, 200, out, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    assert_int_equal(rc, 0);
    assert_string_equal(out, "0000000\n0000000\n");
}

static void failing_commands_are_named_without_their_arguments(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(sh("exit 3 # s3kr3t", 5000, 100, NULL, &err), -1);
    assert_string_equal(err.text, "command sh: ended with status 3");
    assert_int_equal(sh("kill -9 $$", 5000, 100, NULL, &err), -1);
    assert_string_equal(err.text, "command sh: was ended by signal 9");
    char *const none[] = {(char *)(uintptr_t)"/nonexistent/tool", NULL};
    struct buf b = BUF_INIT(10);
    assert_int_equal(creds_process_run(none, 1000, &go_on, &b, &err), -1);
    assert_string_equal(err.text,
                        "command /nonexistent/tool: cannot be started: No such file or directory");
}

static void slow_commands_are_killed_at_the_deadline_with_all_that_they_started(void **state)
{
    (void)state;
    struct err err = {0};
    char out[256];
    int64_t before = clock_mono_ms();
    /* The inner sleep would hold the pipe open. */
    assert_int_equal(sh("sleep 77 & echo $!; sleep 77", 200, 100, out, &err), -1);
    assert_string_equal(err.text, "command sh: took too long and was killed");
    assert_in_range(clock_mono_ms() - before, 200, 3000);
    int inner = 0;
    assert_int_equal(sscanf(out, "%d", &inner), 1);
    int64_t deadline = clock_mono_ms() + 3000;
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", inner);
    for (;;) {
        FILE *f = fopen(path, "r");
        bool gone = !f || !fgets(line, sizeof line, f) || strstr(line, ") Z");
        if (f)
            fclose(f);
        if (gone)
            break;
        assert_true(clock_mono_ms() < deadline);
    }
}

static void a_child_left_behind_is_not_waited_for(void **state)
{
    (void)state;
    char out[256];
    int64_t before = clock_mono_ms();
    assert_int_equal(sh("sleep 77 & echo done", 30000, 100, out, NULL), 0);
    assert_string_equal(out, "done\n");
    assert_in_range(clock_mono_ms() - before, 0, 3000);
}

static void floods_of_output_are_cut_off(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(sh("yes", 30000, 4096, NULL, &err), -1);
    assert_string_equal(err.text, "command sh: printed more than 4096 bytes");
}

static void a_command_that_closes_its_output_still_has_its_deadline(void **state)
{
    (void)state;
    int64_t before = clock_mono_ms();
    assert_int_equal(sh("exec >&-; sleep 77", 150, 100, NULL, NULL), -1);
    assert_in_range(clock_mono_ms() - before, 150, 3000);
}

static void a_stop_ends_the_wait(void **state)
{
    (void)state;
    struct err err = {0};
    atomic_store(&go_on, true);
    assert_int_equal(sh("sleep 77", 60000, 100, NULL, &err), -1);
    atomic_store(&go_on, false);
    assert_string_equal(err.text, "command sh: was killed: shutting down");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_parted_and_quoted_like_in_a_shell),
        cmocka_unit_test(command_lines_that_are_none_are_refused),
        cmocka_unit_test(too_many_words_and_too_long_ones_are_refused),
        cmocka_unit_test(words_survive_every_failing_allocation),
        cmocka_unit_test(output_is_read_to_its_end),
        cmocka_unit_test(commands_see_an_empty_stdin_and_no_descriptors_of_ours),
        cmocka_unit_test(commands_get_default_signals_whatever_this_thread_blocks),
        cmocka_unit_test(failing_commands_are_named_without_their_arguments),
        cmocka_unit_test(slow_commands_are_killed_at_the_deadline_with_all_that_they_started),
        cmocka_unit_test(a_child_left_behind_is_not_waited_for),
        cmocka_unit_test(floods_of_output_are_cut_off),
        cmocka_unit_test(a_command_that_closes_its_output_still_has_its_deadline),
        cmocka_unit_test(a_stop_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
