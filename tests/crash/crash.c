/* kill -9 at any moment.
 *
 *   crash DIR ROUNDS LANES [lose]
 *
 * In each lane, one round after the other: a program with a cache and a keeper changes jobs all the
 * time, tells what readers have seen, and is killed. Then the database must open and be whole, each
 * reply that was seen more than SAFE_MS before must be there or have been replaced by a later one,
 * nothing that was on the disk before may be lost, and the numbers of events must be higher in each
 * round than in all before. Exit status 1 if that is not so.
 *
 * `lose`: the keeper saves nothing, so that all this must be found to be wrong. */
#include "base/attr.h"
#include "base/clock.h"
#include "crash/seen.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAFE_MS   1000 /* what was seen so long before is on the disk */
#define ROUND_MIN 20
#define ROUND_MAX 1600
#define START_MS  60000 /* for the first sign of life, on a machine that is busy */
#define LANES_MAX 64
#define JOBS      (CRASH_JOBS + CRASH_FINISHED)
#define VERSIONS  1000000 /* more than one round has */

struct lane {
    char path[PATH_MAX];
    bool keep;
    uint64_t floor[JOBS]; /* the disk had it */
    struct seen *seen;    /* of this round */
    size_t n_seen, cap;
    uint64_t highest; /* number of an event, in all rounds */
    unsigned failed;
    uint64_t replies, checked;
};

static void die_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == 1)
        _exit(0);
}

/* ---- one round ---- */

static bool wrong(struct lane *l, const char *what, uint32_t job, uint64_t is, uint64_t should)
{
    fprintf(stderr, "crash: %s: %s job=%" PRIu32 " is=%" PRIu64 " should=%" PRIu64 "\n", l->path,
            what, job, is, should);
    return false;
}

static void note(struct lane *l, const struct seen *seen)
{
    if (l->n_seen == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 1024;
        struct seen *more = realloc(l->seen, l->cap * sizeof *more);
        if (!more)
            _exit(2);
        l->seen = more;
    }
    l->seen[l->n_seen++] = *seen;
}

/* Listen until `end_ms`; false: it has ended by itself. */
static bool listen_until(struct lane *l, int fd, int64_t end_ms)
{
    struct seen part[1024];
    for (int64_t now; (now = clock_mono_ms()) < end_ms;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, (int)(end_ms - now)) <= 0)
            continue;
        ssize_t n = read(fd, part, sizeof part);
        if (n <= 0)
            return false;
        for (size_t i = 0; i < (size_t)n / sizeof *part; i++)
            note(l, &part[i]);
    }
    return true;
}

static bool listen_to(struct lane *l, int fd)
{
    int64_t start_end = clock_mono_ms() + START_MS;
    while (l->n_seen == 0 && clock_mono_ms() < start_end)
        if (!listen_until(l, fd, clock_mono_ms() + 10))
            return false;
    return l->n_seen > 0 &&
           listen_until(l, fd, clock_mono_ms() + ROUND_MIN + random() % (ROUND_MAX - ROUND_MIN));
}

static pid_t start(struct lane *l, unsigned round, int *fd)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        die_with_parent();
        close(ends[0]);
        crash_child(l->path, (uint64_t)(round + 1) * VERSIONS, l->keep, ends[1]);
    }
    close(ends[1]);
    *fd = ends[0];
    return pid;
}

/* Run it and kill it; the moment of its death, or -1. */
static int64_t run_and_kill(struct lane *l, unsigned round)
{
    int fd CLEANUP_FD = -1;
    pid_t pid = start(l, round, &fd);
    if (pid < 0)
        return -1;
    bool alive = listen_to(l, fd);
    int64_t death = clock_mono_ms();
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (!alive)
        fprintf(stderr, "crash: %s: it ended by itself\n", l->path);
    return alive ? death : -1;
}

/* ---- what it left ---- */

static bool numbers_rise(struct lane *l)
{
    for (size_t i = 0; i < l->n_seen; i++) {
        if (l->seen[i].number <= l->highest)
            return wrong(l, "a number went back", l->seen[i].job, l->seen[i].number, l->highest);
        l->highest = l->seen[i].number;
    }
    return true;
}

static bool is_there(struct lane *l, const struct seen *s, const uint64_t *versions, int64_t death)
{
    if (s->wrong)
        return wrong(l, "a reader saw nothing", s->job, 0, s->version);
    if (s->mono_ms > death - SAFE_MS)
        return true;
    l->checked++;
    return versions[s->job] >= s->version ||
           wrong(l, "a reply that was seen is lost", s->job, versions[s->job], s->version);
}

static bool check(struct lane *l, int64_t death)
{
    uint64_t versions[JOBS] = {0};
    if (!crash_versions(l->path, versions) || !numbers_rise(l))
        return false;
    for (uint32_t i = 0; i < JOBS; i++) {
        if (versions[i] < l->floor[i])
            return wrong(l, "what was stored is lost", i, versions[i], l->floor[i]);
        l->floor[i] = versions[i];
    }
    for (size_t i = 0; i < l->n_seen; i++)
        if (!is_there(l, &l->seen[i], versions, death))
            return false;
    return true;
}

static void run_lane(struct lane *l, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        l->n_seen = 0;
        int64_t death = run_and_kill(l, i);
        bool good = death >= 0 && check(l, death);
        l->failed += !good;
        l->replies += l->n_seen;
    }
}

/* ---- all lanes ---- */

struct result {
    unsigned failed;
    uint64_t replies, checked;
};

static void lane_main(const char *dir, unsigned number, unsigned rounds, bool keep, int out)
{
    static struct lane l;
    l.keep = keep;
    snprintf(l.path, sizeof l.path, "%s/lane-%u.db", dir, number);
    srandom((unsigned)clock_mono_ms() * 64 + number);
    run_lane(&l, rounds);
    const struct result r = {l.failed, l.replies, l.checked};
    _exit(write(out, &r, sizeof r) == sizeof r ? 0 : 2);
}

static bool start_lane(const char *dir, unsigned number, unsigned rounds, bool keep, int out)
{
    pid_t pid = fork();
    if (pid == 0) {
        die_with_parent();
        lane_main(dir, number, rounds, keep, out);
    }
    return pid > 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: crash DIR ROUNDS LANES [lose]\n");
    return 2;
}

static int report(int results, unsigned rounds, unsigned lanes, int64_t start_ms)
{
    struct result all = {0}, one;
    unsigned ended = 0;
    while (read(results, &one, sizeof one) == sizeof one) {
        all.failed += one.failed;
        all.replies += one.replies;
        all.checked += one.checked;
        ended++;
    }
    printf("crash: %u rounds in %u lanes, %u failed, %.1f s; %" PRIu64 " replies seen, %" PRIu64
           " of them %d ms before a kill\n",
           rounds, lanes, all.failed, (double)(clock_mono_ms() - start_ms) / 1000, all.replies,
           all.checked, SAFE_MS);
    if (ended != lanes)
        fprintf(stderr, "crash: %u of %u lanes came to their end\n", ended, lanes);
    return all.failed > 0 || ended != lanes || all.checked == 0;
}

int main(int argc, char **argv)
{
    int results[2];
    if (argc < 4)
        return usage();
    unsigned rounds = (unsigned)strtoul(argv[2], NULL, 10);
    unsigned lanes = (unsigned)strtoul(argv[3], NULL, 10);
    bool keep = argc < 5 || strcmp(argv[4], "lose") != 0;
    if (rounds == 0 || lanes == 0 || lanes > LANES_MAX)
        return usage();
    if (lanes > rounds)
        lanes = rounds;
    int64_t start_ms = clock_mono_ms();
    if (pipe2(results, O_CLOEXEC) < 0)
        return 2;
    for (unsigned i = 0; i < lanes; i++)
        if (!start_lane(argv[1], i, rounds / lanes + (i < rounds % lanes), keep, results[1]))
            return 2;
    close(results[1]);
    return report(results[0], rounds, lanes, start_ms);
}
