/* Each job is looked at once; one that has not ended is watched and then looked at again, so that
 * no change falls in between; and so again with each event.
 *
 * The kernel tells nobody that a daemon has died: its watches stay silent until the unmount. So the
 * mount is asked now and then whether it still answers, which costs no call of the service. */
#include "cli/wait_jobs.h"
#include "base/clock.h"
#include "cli/wait_job.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define AGAIN_MS 1000 /* between attempts at what failed */
#define ALIVE_MS 5000 /* between looks at the mount */
#define EVENTS   (IN_CLOSE_WRITE | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF)

struct waited {
    char *dir; /* without links: those of by-status/ move when a job ends */
    enum wait_look last;
    int watch;          /* inotify's, -1 none; the same for the same job named twice */
    int64_t look_at_ms; /* INT64_MAX: when an event comes */
    bool complained;
    bool seen; /* it was there */
};

struct wait {
    struct waited *jobs;
    size_t n;
    int events; /* inotify */
    int64_t alive_at_ms;
    FILE *out, *complaints;
};

static bool ended(const struct waited *j)
{
    return j->last == WAIT_LOOK_SUCCESS || j->last == WAIT_LOOK_FAILED;
}

static size_t count(const struct wait *w, enum wait_look last)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += w->jobs[i].last == last;
    return n;
}

static void complain(const struct wait *w, const char *text, const char *more)
{
    fprintf(w->complaints, "icejobfs: %s%s\n", text, more);
    fflush(w->complaints);
}

static void complain_unmounted(const struct wait *w, const struct waited *j)
{
    complain(w, j->dir, ": the mount went away (unmounted)");
}

/* Once for each job, and not for a signal. */
static void complain_once(struct wait *w, struct waited *j, const char *text)
{
    if (!j->complained)
        complain(w, text, "; trying again");
    j->complained = true;
}

/* A job that is forgotten leaves jobs/, which stays as long as the mount does. The unmount may be
 * found out by a look before its event comes. */
static bool gone_with_its_mount(const struct waited *j)
{
    char parent[PATH_MAX];
    struct stat st;
    const char *end = strrchr(j->dir, '/');
    if (!j->seen || !end || (size_t)(end - j->dir) >= sizeof parent)
        return false;
    memcpy(parent, j->dir, (size_t)(end - j->dir));
    parent[end - j->dir] = '\0';
    return stat(parent, &st) < 0 && errno == ENOENT;
}

static enum wait_look look(struct wait *w, struct waited *j)
{
    struct err err = {""};
    struct buf line CLEANUP_BUF = BUF_INIT(WAIT_LINE_MAX);
    enum wait_look found = wait_job_look(j->dir, &line, &err);
    int error = errno;
    switch (found) {
    case WAIT_LOOK_RUNNING:
        j->seen = true;
        break;
    case WAIT_LOOK_SUCCESS:
    case WAIT_LOOK_FAILED:
        fputs(buf_str(&line), w->out);
        fflush(w->out);
        break;
    case WAIT_LOOK_LATER:
        if (error != EINTR)
            complain_once(w, j, err.text);
        j->look_at_ms = clock_mono_ms() + AGAIN_MS;
        break;
    case WAIT_LOOK_NO_JOB:
        if (gone_with_its_mount(j))
            complain_unmounted(w, j);
        else
            complain(w, err.text, "");
        break;
    }
    return found;
}

static enum wait_look fail_to_watch(struct wait *w, struct waited *j)
{
    struct err err = {""};
    int error = errno;
    const char *hint = error == ENOSPC ? " (see sysctl fs.inotify.max_user_watches)" : "";
    err_set(&err, "%s: cannot watch its status: %s%s", j->dir, wait_job_reason(error), hint);
    if (wait_job_may_pass(error)) {
        complain_once(w, j, err.text);
        j->look_at_ms = clock_mono_ms() + AGAIN_MS;
        return WAIT_LOOK_LATER;
    }
    complain(w, err.text, "");
    return WAIT_LOOK_NO_JOB;
}

/* The file of now: it may have been replaced since the last time. */
static int set_watch(struct wait *w, struct waited *j)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/status", j->dir); /* it has been read, so it fits */
    j->watch = inotify_add_watch(w->events, path, EVENTS);
    return j->watch;
}

/* A file that has gone is for the next look to judge. */
static void visit(struct wait *w, struct waited *j)
{
    bool first = j->watch < 0;
    j->look_at_ms = INT64_MAX;
    if (first) {
        j->last = look(w, j);
        if (j->last != WAIT_LOOK_RUNNING)
            return;
    }
    j->last = set_watch(w, j) < 0 && errno != ENOENT ? fail_to_watch(w, j) : look(w, j);
}

/* ---- events ---- */

/* -1: the mount of a job went away. */
static int take_event(struct wait *w, const struct inotify_event *event)
{
    for (size_t i = 0; i < w->n; i++) {
        struct waited *j = &w->jobs[i];
        if (ended(j) || (event->wd != j->watch && !(event->mask & IN_Q_OVERFLOW)))
            continue;
        if (event->mask & IN_UNMOUNT) {
            complain_unmounted(w, j);
            return -1;
        }
        j->look_at_ms = 0;
    }
    return 0;
}

static int take_events(struct wait *w)
{
    _Alignas(struct inotify_event) char buf[4096];
    ssize_t n;
    while ((n = read(w->events, buf, sizeof buf)) > 0) {
        const struct inotify_event *event;
        for (const char *p = buf; p < buf + n; p += sizeof *event + event->len) {
            event = (const struct inotify_event *)(const void *)p;
            if (take_event(w, event) < 0)
                return -1;
        }
    }
    return 0;
}

/* What does not answer is looked at, and then said to be gone. */
static void check_alive(struct wait *w, int64_t now_ms)
{
    struct statfs s;
    if (now_ms < w->alive_at_ms)
        return;
    w->alive_at_ms = now_ms + ALIVE_MS;
    for (size_t i = 0; i < w->n; i++)
        if (!ended(&w->jobs[i]) && statfs(w->jobs[i].dir, &s) < 0)
            w->jobs[i].look_at_ms = now_ms;
}

static int64_t next_ms(const struct wait *w, int64_t deadline_ms)
{
    int64_t next = deadline_ms < w->alive_at_ms ? deadline_ms : w->alive_at_ms;
    for (size_t i = 0; i < w->n; i++)
        if (!ended(&w->jobs[i]) && w->jobs[i].look_at_ms < next)
            next = w->jobs[i].look_at_ms;
    return next;
}

static void sleep_until(const struct wait *w, int64_t when_ms)
{
    struct pollfd fd = {.fd = w->events, .events = POLLIN};
    int64_t left = when_ms - clock_mono_ms();
    poll(&fd, 1, left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);
}

/* ---- the whole ---- */

static int visit_all(struct wait *w, int64_t now_ms)
{
    for (size_t i = 0; i < w->n; i++) {
        struct waited *j = &w->jobs[i];
        if (ended(j) || j->look_at_ms > now_ms)
            continue;
        visit(w, j);
        if (j->last == WAIT_LOOK_NO_JOB)
            return -1;
    }
    return 0;
}

static enum wait_exit out_of_time(struct wait *w)
{
    char text[64];
    size_t left = w->n - count(w, WAIT_LOOK_SUCCESS) - count(w, WAIT_LOOK_FAILED);
    snprintf(text, sizeof text, ": %zu of %zu not ended", left, w->n);
    complain(w, "out of time", text);
    return WAIT_EXIT_TIMEOUT;
}

static enum wait_exit wait_all(struct wait *w, int64_t deadline_ms)
{
    for (;;) {
        int64_t now_ms = clock_mono_ms();
        check_alive(w, now_ms);
        if (visit_all(w, now_ms) < 0)
            return WAIT_EXIT_REFUSED;
        size_t failed = count(w, WAIT_LOOK_FAILED);
        if (failed + count(w, WAIT_LOOK_SUCCESS) == w->n)
            return failed ? WAIT_EXIT_FAILED : WAIT_EXIT_SUCCESS;
        if (clock_mono_ms() >= deadline_ms)
            return out_of_time(w);
        sleep_until(w, next_ms(w, deadline_ms));
        if (take_events(w) < 0)
            return WAIT_EXIT_REFUSED;
    }
}

static int set_up(struct wait *w, char *const *dirs, size_t n)
{
    w->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    w->jobs = calloc(n, sizeof *w->jobs);
    if (!w->jobs || w->events < 0)
        return -1;
    w->n = n;
    for (size_t i = 0; i < n; i++) {
        char *real = realpath(dirs[i], NULL);
        w->jobs[i] = (struct waited){.dir = real ? real : strdup(dirs[i]), .watch = -1};
        if (!w->jobs[i].dir)
            return -1;
    }
    return 0;
}

static void tear_down(struct wait *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->jobs[i].dir);
    free(w->jobs);
    if (w->events >= 0)
        close(w->events);
}

enum wait_exit wait_jobs_run(char *const *dirs, size_t n, int64_t deadline_ms, FILE *out,
                             FILE *complaints)
{
    struct wait w = {
        .alive_at_ms = clock_mono_ms() + ALIVE_MS, .out = out, .complaints = complaints};
    enum wait_exit status = WAIT_EXIT_REFUSED;
    if (set_up(&w, dirs, n) < 0)
        complain(&w, "cannot begin to wait: ", strerror(errno));
    else
        status = wait_all(&w, deadline_ms);
    tear_down(&w);
    return status;
}
