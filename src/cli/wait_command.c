#include "cli/wait_command.h"
#include "base/clock.h"
#include "base/num.h"
#include "cli/wait_job.h"
#include "cli/wait_jobs.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/vfs.h>

#define FUSE_MAGIC   0x65735546U /* FUSE_SUPER_MAGIC of the kernel */
#define ALARM_MIN_MS 200         /* what a look at the files may take, however short the time is */
#define ALARM_US     50000

static const char usage[] =
    "Usage: icejobfs wait [--timeout TIME] JOBDIR...\n"
    "\n"
    "Waits until the jobs in these directories of a mount have ended, and prints a line for each:\n"
    "its id, Success or Failed, and of a failed one code and message, with tabs between.\n"
    "Exit status: 0 all Success, 1 one Failed, 124 out of time, 2 misuse or no such job.\n";

/* ---- the words ---- */

static int take_timeout(const char *text, struct wait_options *out, struct err *err)
{
    if (num_parse_duration(text, &out->timeout_ms) == 0)
        return 0;
    return err_set(err, "--timeout=%s: a time is a number with ms, s, m, h or d (alone: seconds)",
                   text);
}

int wait_command_parse(int argc, char **argv, struct wait_options *out, struct err *err)
{
    static const struct option known[] = {{"timeout", required_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int flag;
    *out = (struct wait_options){.timeout_ms = INT64_MAX};
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    while ((flag = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
        if (flag == 'h')
            out->help = true;
        else if (flag == ':')
            return err_set(err, "--timeout needs a time");
        else if (flag != 't')
            return err_set(err, "wait knows no flag %s", argv[optind - 1]);
        else if (take_timeout(optarg, out, err) < 0)
            return -1;
    }
    out->dirs = argv + optind;
    out->n_dirs = (size_t)(argc - optind);
    if (out->n_dirs == 0 && !out->help)
        return err_set(err, "wait needs a JOBDIR");
    return 0;
}

/* ---- is it a mount? ---- */

int wait_command_check(const char *dir, struct err *err)
{
    struct statfs s;
    if (statfs(dir, &s) < 0) {
        if (errno == ENOENT)
            return err_set(err, "%s: no such job", dir);
        if (wait_job_may_pass(errno))
            return 0;
        return err_set(err, "%s: %s", dir, wait_job_reason(errno));
    }
    if ((uint32_t)s.f_type != FUSE_MAGIC)
        return err_set(err, "%s: not in a mount of icejobfs", dir);
    return 0;
}

/* ---- the process ---- */

/* A wait in the kernel ends with it, and is found to be out of time. */
static void on_alarm(int sig)
{
    (void)sig;
}

static void on_interrupt(int sig)
{
    (void)sig;
    _exit(WAIT_EXIT_INTERRUPTED);
}

/* Unless we are to ignore it, as in the background of a shell. */
static void handle_interrupt(void)
{
    struct sigaction old, act = {.sa_handler = on_interrupt};
    if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(SIGINT, &act, NULL);
}

/* From the deadline on a signal comes again and again, for one that comes just before a call is
 * lost on it. */
static void set_alarm(int64_t timeout_ms)
{
    struct sigaction act = {.sa_handler = on_alarm}; /* no SA_RESTART */
    int64_t ms = timeout_ms > ALARM_MIN_MS ? timeout_ms : ALARM_MIN_MS;
    struct itimerval timer = {
        .it_value = {.tv_sec = ms / MS_PER_S, .tv_usec = ms % MS_PER_S * 1000},
        .it_interval = {.tv_usec = ALARM_US}};
    sigaction(SIGALRM, &act, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static int refuse(const struct err *err)
{
    fprintf(stderr, "icejobfs: %s\n", err->text);
    return WAIT_EXIT_REFUSED;
}

int wait_command_run(int argc, char **argv)
{
    struct wait_options o;
    struct err err = {""};
    int64_t deadline_ms = INT64_MAX;
    if (wait_command_parse(argc, argv, &o, &err) < 0)
        return refuse(&err);
    if (o.help)
        return fputs(usage, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    handle_interrupt();
    if (o.timeout_ms != INT64_MAX) {
        deadline_ms = clock_mono_ms() + o.timeout_ms;
        set_alarm(o.timeout_ms);
    }
    for (size_t i = 0; i < o.n_dirs; i++)
        if (wait_command_check(o.dirs[i], &err) < 0)
            return refuse(&err);
    return (int)wait_jobs_run(o.dirs, o.n_dirs, deadline_ms, stdout, stderr);
}
