/* The way to the background, and what waits on the way: each with its deadline. */
#include "base/clock.h"
#include "base/log.h"
#include "cli/alive.h"
#include "cli/daemon.h"
#include "cli/mountpoint.h"
#include "cli/wait.h"
#include "support/alloc_fail.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define SOON_MS 5000

/* What a daemon does until it has told its verdict; its exit status goes through waitpid. */
typedef int daemon_body(int link);

/* Fork a daemon, wait for its verdict; its exit status is put into `*status`. */
static int start(daemon_body *body, int64_t timeout_ms, struct err *err, int *status)
{
    enum daemon_side side;
    int link;
    pid_t child;
    assert_int_equal(daemon_fork(&side, &link, &child, err), 0);
    if (side == DAEMON_CHILD)
        _exit(body(link));
    int verdict = daemon_wait(link, child, timeout_ms, err);
    close(link);
    assert_int_equal(waitpid(child, status, 0), child);
    return verdict;
}

static int becomes_ready(int link)
{
    struct stat null;
    struct stat err;
    char dir[8];
    if (daemon_tell(&link, DAEMON_READY, NULL) < 0 || link != -1)
        return 1;
    /* Nothing of the user's is held any more. */
    bool apart = getsid(0) == getpid() && getcwd(dir, sizeof dir) && strcmp(dir, "/") == 0;
    bool silent = stat("/dev/null", &null) == 0 && fstat(STDERR_FILENO, &err) == 0 &&
                  null.st_rdev == err.st_rdev;
    return apart && silent ? 7 : 2;
}

static void the_started_process_learns_that_the_mount_answers(void **state)
{
    (void)state;
    struct err err = {""};
    int status;
    assert_int_equal(start(becomes_ready, SOON_MS, &err, &status), DAEMON_READY);
    assert_int_equal(WEXITSTATUS(status), 7);
}

static int fails(int link)
{
    return daemon_tell(&link, DAEMON_FAILED, NULL) == 0 ? 1 : 2;
}

static void the_started_process_learns_that_it_failed(void **state)
{
    (void)state;
    struct err err = {""};
    int status;
    assert_int_equal(start(fails, SOON_MS, &err, &status), DAEMON_FAILED);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_string_equal(err.text, ""); /* it has said why itself */
}

static int dies(int link)
{
    (void)link;
    return 3;
}

static void a_daemon_that_dies_in_silence_is_a_failure(void **state)
{
    (void)state;
    struct err err = {""};
    int status;
    assert_int_equal(start(dies, SOON_MS, &err, &status), -1);
    assert_non_null(strstr(err.text, "ended before"));
}

static int never_gets_ready(int link)
{
    (void)link;
    pause();
    return 0;
}

static void a_daemon_that_never_gets_ready_is_told_to_end(void **state)
{
    (void)state;
    struct err err = {""};
    int status;
    assert_int_equal(start(never_gets_ready, 20, &err, &status), -1);
    assert_non_null(strstr(err.text, "did not answer"));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void a_daemon_whose_starter_has_gone_knows_it(void **state)
{
    (void)state;
    int ends[2];
    struct err err = {""};
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(daemon_tell(&ends[1], DAEMON_FAILED, &err), -1);
    assert_int_equal(ends[1], -1);
    assert_non_null(strstr(err.text, "gone"));
}

static void in_front_there_is_nobody_to_tell(void **state)
{
    (void)state;
    int link = -1;
    assert_int_equal(daemon_tell(&link, DAEMON_READY, NULL), 0);
}

static void waiting_ends_with_data_with_the_end_and_at_the_deadline(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int64_t begin = clock_mono_ms();
    assert_int_equal(wait_readable(ends[0], begin + 30), WAIT_TIMEOUT);
    assert_true(clock_mono_ms() >= begin + 30);
    assert_int_equal(wait_readable(ends[0], 0), WAIT_TIMEOUT);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(wait_readable(ends[0], clock_mono_ms() + SOON_MS), WAIT_READY);
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[1]);
    assert_int_equal(wait_readable(ends[0], clock_mono_ms() + SOON_MS), WAIT_READY);
    close(ends[0]);
}

static void a_child_is_reaped_or_said_to_run(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    assert_false(wait_child(pid, clock_mono_ms() + 10));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_true(wait_child(pid, clock_mono_ms() + SOON_MS));
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
}

/* ---- the mount point */

static void a_mount_that_answers_is_seen(void **state)
{
    (void)state;
    struct err err = {""};
    assert_int_equal(alive_wait("/proc", SOON_MS, &err), 0);
}

static void a_folder_that_is_no_mount_is_no_answer(void **state)
{
    (void)state;
    struct err err = {""};
    assert_int_equal(alive_wait("/usr/bin", SOON_MS, &err), 1);
    assert_int_equal(alive_wait("/no/such/place", SOON_MS, &err), -1);
    assert_non_null(strstr(err.text, "No such file"));
}

static void the_mount_point_becomes_an_absolute_name(void **state)
{
    (void)state;
    char dir[] = "/tmp/icejobfs-test-XXXXXX";
    char here[256];
    struct err err = {""};
    assert_non_null(mkdtemp(dir));
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(mkdir("point", 0700), 0);
    assert_int_equal(symlink("point", "link"), 0);
    CLEANUP_FREE char *path = mountpoint_resolve("./link/", &err);
    assert_non_null(path);
    assert_int_equal(strncmp(path, dir, strlen(dir)), 0);
    assert_string_equal(path + strlen(dir), "/point");
    assert_int_equal(remove("link"), 0);
    assert_int_equal(remove("point"), 0);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(remove(dir), 0);
}

static void a_mount_point_that_will_not_do_is_named(void **state)
{
    (void)state;
    struct err err = {""};
    assert_null(mountpoint_resolve("/no/such/place", &err));
    assert_string_equal(err.text,
                        "mount point /no/such/place does not exist: make the directory first");
    assert_null(mountpoint_resolve("/etc/passwd", &err));
    assert_string_equal(err.text, "mount point /etc/passwd is not a directory");
    assert_null(mountpoint_resolve("/etc/passwd/x", &err));
    assert_non_null(strstr(err.text, "/etc/passwd/x"));
    assert_null(mountpoint_resolve("", &err));
}

static void failing_allocations_are_errors(void **state)
{
    (void)state;
    struct err err = {""};
    alloc_fail_at(1);
    assert_int_equal(alive_wait("/proc", SOON_MS, &err), -1);
    assert_true(alloc_fail_fired());
    assert_non_null(strstr(err.text, "Cannot allocate memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_started_process_learns_that_the_mount_answers),
        cmocka_unit_test(the_started_process_learns_that_it_failed),
        cmocka_unit_test(a_daemon_that_dies_in_silence_is_a_failure),
        cmocka_unit_test(a_daemon_that_never_gets_ready_is_told_to_end),
        cmocka_unit_test(a_daemon_whose_starter_has_gone_knows_it),
        cmocka_unit_test(in_front_there_is_nobody_to_tell),
        cmocka_unit_test(waiting_ends_with_data_with_the_end_and_at_the_deadline),
        cmocka_unit_test(a_child_is_reaped_or_said_to_run),
        cmocka_unit_test(a_mount_that_answers_is_seen),
        cmocka_unit_test(a_folder_that_is_no_mount_is_no_answer),
        cmocka_unit_test(the_mount_point_becomes_an_absolute_name),
        cmocka_unit_test(a_mount_point_that_will_not_do_is_named),
        cmocka_unit_test(failing_allocations_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
