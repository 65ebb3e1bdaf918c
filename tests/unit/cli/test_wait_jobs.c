/* Waiting for jobs to end, on directories that look like theirs. */
#include "base/clock.h"
#include "base/thread.h"
#include "cli/wait_job.h"
#include "cli/wait_jobs.h"
#include "support/alloc_fail.h"
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define JOBS      3
#define SOON_MS   10000 /* longer than any case takes */
#define NAME_MAX_ 128

static char root[64];
static char dirs[JOBS][NAME_MAX_];
static char *all[JOBS] = {dirs[0], dirs[1], dirs[2]};
static char *said, *complained;
static size_t said_len, complained_len;

static void write_text(const char *dir, const char *name, const char *text)
{
    char path[4 * NAME_MAX_];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void remove_file(const char *dir, const char *name)
{
    char path[4 * NAME_MAX_];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    remove(path);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/icejobfs-test-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    for (int i = 0; i < JOBS; i++) {
        char id[32];
        snprintf(dirs[i], sizeof dirs[i], "%s/job-%04d", root, i);
        snprintf(id, sizeof id, "job-%04d\n", i);
        if (mkdir(dirs[i], 0755) < 0)
            return -1;
        write_text(dirs[i], "job_id", id);
        write_text(dirs[i], "status", "Processing\n");
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"job_id", "status", "status.new", "code", "message"};
    for (int i = 0; i < JOBS; i++) {
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            remove_file(dirs[i], names[k]);
        remove(dirs[i]);
    }
    free(MOVE_PTR(said));
    free(MOVE_PTR(complained));
    return remove(root);
}

static enum wait_exit run(size_t n, int64_t timeout_ms)
{
    free(MOVE_PTR(said));
    free(MOVE_PTR(complained));
    FILE *out = open_memstream(&said, &said_len);
    FILE *complaints = open_memstream(&complained, &complained_len);
    assert_non_null(out);
    assert_non_null(complaints);
    enum wait_exit status = wait_jobs_run(all, n, clock_mono_ms() + timeout_ms, out, complaints);
    fclose(out);
    fclose(complaints);
    return status;
}

/* What another thread does while the jobs are waited for. */
static pthread_t thread;

static void meanwhile(void *(*act)(void *))
{
    assert_int_equal(thread_start(&thread, "meanwhile", act, NULL, NULL), 0);
}

static void jobs_that_have_ended_are_told_at_once_in_their_order(void **state)
{
    (void)state;
    write_text(dirs[0], "status", "Success\n");
    write_text(dirs[1], "status", "Failed\n");
    write_text(dirs[1], "code", "InvalidParameter\n");
    write_text(dirs[1], "message", "no such clip: \xe7\x89\x87\xe6\xae\xb5\n");
    assert_int_equal(run(1, 0), WAIT_EXIT_SUCCESS);
    assert_string_equal(said, "job-0000\tSuccess\n");
    assert_int_equal(run(2, 0), WAIT_EXIT_FAILED);
    assert_string_equal(said, "job-0000\tSuccess\n"
                              "job-0001\tFailed\tInvalidParameter\tno such clip: "
                              "\xe7\x89\x87\xe6\xae\xb5\n");
    assert_string_equal(complained, "");
}

static void what_a_failed_job_does_not_say_is_empty_and_nothing_forges_a_line(void **state)
{
    (void)state;
    write_text(dirs[0], "status", "Failed\n");
    assert_int_equal(run(1, 0), WAIT_EXIT_FAILED);
    assert_string_equal(said, "job-0000\tFailed\t\t\n");
    write_text(dirs[0], "message", "a\tb\njob-0001\tSuccess\x1b[2J\x7f");
    assert_int_equal(run(1, 0), WAIT_EXIT_FAILED);
    assert_string_equal(said, "job-0000\tFailed\t\ta b job-0001 Success [2J \n");
}

static void out_of_time_says_how_many_have_not_ended(void **state)
{
    (void)state;
    write_text(dirs[0], "status", "Failed\n");
    int64_t begin_ms = clock_mono_ms();
    assert_int_equal(run(3, 50), WAIT_EXIT_TIMEOUT);
    assert_in_range(clock_mono_ms() - begin_ms, 50, 5000);
    assert_string_equal(said, "job-0000\tFailed\t\t\n");
    assert_string_equal(complained, "icejobfs: out of time: 2 of 3 not ended\n");
}

static void *end_all(void *arg)
{
    (void)arg;
    write_text(dirs[1], "status", "Queuing\n");
    write_text(dirs[1], "code", "Why\n");
    write_text(dirs[1], "status", "Failed\n");
    write_text(dirs[2], "status", "Success\n");
    write_text(dirs[0], "status", "Success\n");
    return NULL;
}

static void a_change_ends_the_wait_whenever_it_comes(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < JOBS; i++)
            write_text(dirs[i], "status", "Init\n");
        meanwhile(end_all);
        assert_int_equal(run(3, SOON_MS), WAIT_EXIT_FAILED);
        thread_join(thread);
        assert_non_null(strstr(said, "job-0000\tSuccess\n"));
        assert_non_null(strstr(said, "job-0001\tFailed\tWhy\t\n"));
        assert_non_null(strstr(said, "job-0002\tSuccess\n"));
    }
}

static void *replace_then_end(void *arg)
{
    char from[2 * NAME_MAX_], to[2 * NAME_MAX_];
    (void)arg;
    snprintf(from, sizeof from, "%s/status.new", dirs[0]);
    snprintf(to, sizeof to, "%s/status", dirs[0]);
    for (int i = 0; i < 20; i++) {
        write_text(dirs[0], "status.new", i < 19 ? "Processing\n" : "Queuing\n");
        assert_int_equal(rename(from, to), 0);
    }
    write_text(dirs[0], "status", "Success\n");
    return NULL;
}

static void a_status_that_is_replaced_is_watched_anew(void **state)
{
    (void)state;
    meanwhile(replace_then_end);
    assert_int_equal(run(1, SOON_MS), WAIT_EXIT_SUCCESS);
    thread_join(thread);
}

static void *end_first(void *arg)
{
    (void)arg;
    write_text(dirs[0], "status", "Success\n");
    return NULL;
}

static void a_job_named_twice_is_told_twice(void **state)
{
    (void)state;
    char *twice[] = {dirs[0], dirs[0]};
    FILE *out = open_memstream(&said, &said_len);
    meanwhile(end_first);
    assert_int_equal(wait_jobs_run(twice, 2, clock_mono_ms() + SOON_MS, out, stderr),
                     WAIT_EXIT_SUCCESS);
    thread_join(thread);
    fclose(out);
    assert_string_equal(said, "job-0000\tSuccess\njob-0000\tSuccess\n");
}

/* Whether this process watches anything. */
static bool watching(void)
{
    for (int fd = 3; fd < 64; fd++) {
        char path[64], text[512];
        snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
        FILE *f = fopen(path, "re");
        bool found = false;
        while (f && fgets(text, sizeof text, f))
            found |= strncmp(text, "inotify wd:", 11) == 0;
        if (f)
            fclose(f);
        if (found)
            return true;
    }
    return false;
}

static void *move_link_and_end(void *arg)
{
    int64_t deadline_ms = clock_mono_ms() + SOON_MS;
    while (!watching() && clock_mono_ms() < deadline_ms)
        sched_yield();
    assert_int_equal(remove(arg), 0);
    return end_first(NULL);
}

static void a_job_named_by_a_link_is_waited_for_though_the_link_moves(void **state)
{
    (void)state;
    char link[2 * NAME_MAX_];
    char *by_link[] = {link};
    snprintf(link, sizeof link, "%s/link", root);
    assert_int_equal(symlink(dirs[0], link), 0);
    FILE *out = open_memstream(&said, &said_len);
    assert_int_equal(thread_start(&thread, "meanwhile", move_link_and_end, link, NULL), 0);
    assert_int_equal(wait_jobs_run(by_link, 1, clock_mono_ms() + SOON_MS, out, stderr),
                     WAIT_EXIT_SUCCESS);
    thread_join(thread);
    fclose(out);
    assert_string_equal(said, "job-0000\tSuccess\n");
}

static void what_is_no_job_is_said_at_once(void **state)
{
    (void)state;
    char *none[] = {dirs[0], (char *)"/nonexistent/job-0001"};
    FILE *out = open_memstream(&said, &said_len);
    FILE *complaints = open_memstream(&complained, &complained_len);
    assert_int_equal(wait_jobs_run(none, 2, INT64_MAX, out, complaints), WAIT_EXIT_REFUSED);
    none[0] = root;
    assert_int_equal(wait_jobs_run(none, 1, INT64_MAX, out, complaints), WAIT_EXIT_REFUSED);
    remove_file(dirs[0], "job_id");
    assert_int_equal(wait_jobs_run(all, 1, INT64_MAX, out, complaints), WAIT_EXIT_REFUSED);
    char file[2 * NAME_MAX_], want[1024];
    snprintf(file, sizeof file, "%s/status", dirs[0]);
    none[0] = file;
    assert_int_equal(wait_jobs_run(none, 1, INT64_MAX, out, complaints), WAIT_EXIT_REFUSED);
    fclose(out);
    fclose(complaints);
    assert_string_equal(said, "");
    snprintf(want, sizeof want,
             "icejobfs: /nonexistent/job-0001: no such job\n"
             "icejobfs: %s: not the directory of a job\n"
             "icejobfs: %s: not the directory of a job\n"
             "icejobfs: %s: not the directory of a job\n",
             root, dirs[0], file);
    assert_string_equal(complained, want);
}

static char away[80];

/* As an unmount whose event is not there yet when its jobs are looked at. */
static void *take_away(void *arg)
{
    char dir[NAME_MAX_];
    int64_t deadline_ms = clock_mono_ms() + SOON_MS;
    (void)arg;
    while (!watching() && clock_mono_ms() < deadline_ms)
        sched_yield();
    assert_int_equal(rename(root, away), 0);
    snprintf(dir, sizeof dir, "%s/job-0000", away);
    write_text(dir, "status", "Processing\n");
    return NULL;
}

static void a_look_that_finds_the_mount_gone_says_so(void **state)
{
    (void)state;
    char want[1024];
    snprintf(away, sizeof away, "%s.away", root);
    snprintf(want, sizeof want, "icejobfs: %s: the mount went away", dirs[0]);
    meanwhile(take_away);
    assert_int_equal(run(1, SOON_MS), WAIT_EXIT_REFUSED);
    thread_join(thread);
    assert_int_equal(rename(away, root), 0);
    assert_memory_equal(complained, want, strlen(want));
}

static void *forget(void *arg)
{
    (void)arg;
    remove_file(dirs[0], "job_id");
    remove_file(dirs[0], "status");
    remove(dirs[0]);
    return NULL;
}

static void a_job_that_is_forgotten_ends_the_wait(void **state)
{
    (void)state;
    char want[1024];
    snprintf(want, sizeof want, "icejobfs: %s: no", dirs[0]);
    meanwhile(forget);
    assert_int_equal(run(1, SOON_MS), WAIT_EXIT_REFUSED);
    thread_join(thread);
    assert_non_null(strstr(complained, want));
}

/* Reading the memory at address 0 gives EIO. */
static void make_faulty(void)
{
    char path[4 * NAME_MAX_];
    snprintf(path, sizeof path, "%s/status", dirs[0]);
    remove(path);
    assert_int_equal(symlink("/proc/self/mem", path), 0);
}

static char first_complaint[1024];

/* Once the fault has been complained of. */
static void *heal(void *arg)
{
    char from[2 * NAME_MAX_], to[2 * NAME_MAX_];
    ssize_t n = read(*(int *)arg, first_complaint, sizeof first_complaint - 1);
    assert_true(n > 0);
    first_complaint[n] = '\0';
    snprintf(from, sizeof from, "%s/status.new", dirs[0]);
    snprintf(to, sizeof to, "%s/status", dirs[0]);
    write_text(dirs[0], "status.new", "Success\n");
    assert_int_equal(rename(from, to), 0);
    return NULL;
}

static void a_fault_is_said_once_and_waited_out(void **state)
{
    (void)state;
    char want[1024];
    int ends[2];
    make_faulty();
    assert_int_equal(pipe(ends), 0);
    FILE *out = open_memstream(&said, &said_len);
    FILE *complaints = fdopen(ends[1], "w");
    assert_non_null(complaints);
    assert_int_equal(thread_start(&thread, "meanwhile", heal, &ends[0], NULL), 0);
    assert_int_equal(wait_jobs_run(all, 1, clock_mono_ms() + SOON_MS, out, complaints),
                     WAIT_EXIT_SUCCESS);
    thread_join(thread);
    fclose(out);
    fclose(complaints);
    snprintf(want, sizeof want, "icejobfs: %s: Input/output error; trying again\n", dirs[0]);
    assert_string_equal(first_complaint, want);
    assert_int_equal(read(ends[0], want, sizeof want), 0); /* and nothing more */
    close(ends[0]);
    assert_string_equal(said, "job-0000\tSuccess\n");
}

static void a_fault_that_stays_runs_out_of_time(void **state)
{
    (void)state;
    make_faulty();
    assert_int_equal(run(1, 1), WAIT_EXIT_TIMEOUT);
    assert_non_null(strstr(complained, "trying again\nicejobfs: out of time: 1 of 1"));
}

static void only_what_may_pass_is_tried_again(void **state)
{
    (void)state;
    static const int may[] = {EINTR, EAGAIN, ETIMEDOUT, EHOSTUNREACH, EPROTO, EIO};
    static const int may_not[] = {ENOENT, EACCES, ENOTCONN, EINVAL, ENOTDIR, ENOSPC};
    for (size_t i = 0; i < ARRAY_LEN(may); i++) {
        assert_true(wait_job_may_pass(may[i]));
        assert_false(wait_job_may_pass(may_not[i]));
    }
}

static void a_long_name_is_refused_and_a_long_text_is_cut(void **state)
{
    (void)state;
    struct err err = {""};
    struct buf line = BUF_INIT(WAIT_LINE_MAX);
    char text[6000];
    memset(text, 'd', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(wait_job_look(text, &line, &err), WAIT_LOOK_NO_JOB);
    write_text(dirs[0], "status", "Failed\n");
    write_text(dirs[0], "message", text);
    assert_int_equal(wait_job_look(dirs[0], &line, &err), WAIT_LOOK_FAILED);
    assert_in_range(line.len, 4096, 5000);
    assert_int_equal(line.data[line.len - 1], '\n');
    buf_free(&line);
}

static void without_memory_it_says_so_or_tries_again(void **state)
{
    (void)state;
    write_text(dirs[0], "status", "Success\n");
    for (unsigned n = 1;; n++) {
        FILE *null = fopen("/dev/null", "we");
        assert_non_null(null);
        alloc_fail_at(n);
        enum wait_exit status = wait_jobs_run(all, 1, clock_mono_ms(), null, null);
        bool fired = alloc_fail_fired();
        fclose(null);
        if (!fired) {
            assert_int_equal(status, WAIT_EXIT_SUCCESS);
            break;
        }
        assert_true(status == WAIT_EXIT_REFUSED || status == WAIT_EXIT_TIMEOUT);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(jobs_that_have_ended_are_told_at_once_in_their_order),
        CASE(what_a_failed_job_does_not_say_is_empty_and_nothing_forges_a_line),
        CASE(out_of_time_says_how_many_have_not_ended),
        CASE(a_change_ends_the_wait_whenever_it_comes),
        CASE(a_status_that_is_replaced_is_watched_anew),
        CASE(a_job_named_twice_is_told_twice),
        CASE(a_job_named_by_a_link_is_waited_for_though_the_link_moves),
        CASE(what_is_no_job_is_said_at_once),
        CASE(a_look_that_finds_the_mount_gone_says_so),
        CASE(a_job_that_is_forgotten_ends_the_wait),
        CASE(a_fault_is_said_once_and_waited_out),
        CASE(a_fault_that_stays_runs_out_of_time),
        CASE(only_what_may_pass_is_tried_again),
        CASE(a_long_name_is_refused_and_a_long_text_is_cut),
        CASE(without_memory_it_says_so_or_tries_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
