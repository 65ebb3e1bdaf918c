/* Torn, empty and stale reads under as many changes as the mount can show.
 *
 *   torn CHANGES MOUNTPOINT COMMAND [ARGUMENT]...
 *
 * Plays the service in this process: every Get of the one job has the next version of its UserData,
 * until there have been CHANGES of them. Starts `COMMAND ARGUMENT... URL MOUNTPOINT` (icejobfs in
 * front, with a ttl and a patience so short that readers never wait and always ask), and reads the
 * file all the time in four ways. A watcher reads at each MODIFY and CLOSE_WRITE. Prints what was
 * seen; exit status 1 if a read was torn, empty or refused, if a read after an event gave an older
 * version than the event told of, or if an event is missing.
 *
 * The reader that trusts fstat's size has a race of its own, on any file system: its mismatches are
 * counted, and are no failure. */
#include "base/attr.h"
#include "base/clock.h"
#include "stress/version.h"
#include "support/httpd.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOB       "00000000000000000000000000c0ffee"
#define DATA_MAX  ((size_t)128 << 10) /* what the kernel asks for in one READ */
#define CHUNK     256
#define START_MS  30000
#define SILENT_MS 20000 /* so long nothing changes: it is stuck */

/* ---- the service ---- */

static unsigned wanted;
static atomic_uint served;

static void answer_get(struct httpd_response *resp)
{
    static _Thread_local char text[VERSION_TEXT_MAX], body[VERSION_TEXT_MAX + 512];
    unsigned version = atomic_load(&served);
    while (version < wanted && !atomic_compare_exchange_weak(&served, &version, version + 1))
        ;
    version += version < wanted;
    version_text(version, text);
    snprintf(
        body, sizeof body,
        "{\"RequestId\":\"R-%u\",\"MediaProducingJob\":{\"JobId\":\"%s\",\"Status\":\"Processing\","
        "\"UserData\":\"%s\"}}",
        version, JOB, text);
    resp->body = body;
}

static void answer(void *arg, const struct httpd_request *req, struct httpd_response *resp)
{
    (void)arg;
    const char *job = httpd_param(req, "JobId");
    if (job && strcmp(job, JOB) == 0) {
        answer_get(resp);
    } else if (job) {
        resp->status = 404;
        resp->body = "{\"RequestId\":\"R\",\"Code\":\"JobNotFound\",\"Message\":\"no such job\"}";
    } else {
        resp->body = "{\"RequestId\":\"R\",\"MediaProducingJobList\":[]}";
    }
}

/* ---- what readers see ---- */

struct seen {
    const char *name;
    void (*read_once)(struct seen *s); /* NULL: the watcher */
    unsigned passes, torn, empty, refused, stale;
    int fd;
    char data[DATA_MAX];
};

static char path[PATH_MAX];
static atomic_bool done;

/* Returns the version, 0 for none. */
static unsigned judge(struct seen *s, ssize_t len)
{
    unsigned version = len > 0 ? version_of(s->data, (size_t)len) : 0;
    s->passes++;
    s->refused += len < 0;
    s->empty += len == 0;
    s->torn += len > 0 && version == 0;
    return version;
}

/* Read to the end in pieces of `piece`; what the file had, -1 for an error. */
static ssize_t read_whole(int fd, char *out, size_t piece)
{
    size_t len = 0;
    for (;;) {
        size_t room = DATA_MAX - len;
        ssize_t n = room > 0 ? read(fd, out + len, piece < room ? piece : room) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -1 : (ssize_t)len;
        len += (size_t)n;
    }
}

static unsigned read_as_cat(struct seen *s)
{
    int fd CLEANUP_FD = open(path, O_RDONLY | O_CLOEXEC);
    return judge(s, fd < 0 ? -1 : read_whole(fd, s->data, DATA_MAX));
}

static void cat(struct seen *s)
{
    read_as_cat(s);
}

static void chunks(struct seen *s)
{
    judge(s, lseek(s->fd, 0, SEEK_SET) < 0 ? -1 : read_whole(s->fd, s->data, CHUNK));
}

static void held(struct seen *s)
{
    judge(s, pread(s->fd, s->data, DATA_MAX, 0));
}

static void exact(struct seen *s)
{
    struct stat st;
    int fd CLEANUP_FD = open(path, O_RDONLY | O_CLOEXEC);
    bool known = fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 && (size_t)st.st_size <= DATA_MAX;
    judge(s, known ? read(fd, s->data, (size_t)st.st_size) : -1);
}

static void *read_on(void *arg)
{
    struct seen *s = arg;
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0)
        s->refused++;
    while (s->fd >= 0 && !atomic_load(&done))
        s->read_once(s);
    if (s->fd >= 0)
        close(s->fd);
    return NULL;
}

/* ---- the watcher ---- */

static int inotify = -1;
static atomic_uint told; /* MODIFY events so far: each is the next version */

/* The first version was there before the watch, so the event number n tells of version n + 1 or a
 * later one. */
static void look(struct seen *s, uint32_t mask)
{
    if (mask & IN_MODIFY)
        atomic_fetch_add(&told, 1);
    unsigned version = read_as_cat(s);
    s->stale += version != 0 && version < atomic_load(&told) + 1;
    s->refused += (mask & IN_Q_OVERFLOW) != 0;
}

static void *watch(void *arg)
{
    static _Alignas(struct inotify_event) char events[1 << 16];
    struct seen *s = arg;
    struct pollfd fd = {.fd = inotify, .events = POLLIN};
    while (!atomic_load(&done)) {
        ssize_t n = poll(&fd, 1, 100) > 0 ? read(inotify, events, sizeof events) : 0;
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *e =
                (const struct inotify_event *)(const void *)(events + at);
            at += (ssize_t)(sizeof *e + e->len);
            look(s, e->mask);
        }
    }
    return NULL;
}

/* What is torn is found: a version's head with another's tail, cut short, or with zero bytes at its
 * end. */
static bool judges_well(void)
{
    static char one[VERSION_TEXT_MAX], other[VERSION_TEXT_MAX];
    size_t n = 0, m = 0;
    unsigned version = 2;
    while ((n = version_text(version, one)) < 100 || (m = version_text(version + 1, other)) < 100)
        version++;
    one[n] = other[m] = '\n';
    bool good = version_of(one, n + 1) == version && version_of(other, m + 1) == version + 1;
    good = good && version_of(one, n) == 0 && version_of(one, 45) == 0 && version_of(one, 0) == 0;
    memset(one + n - 5, 0, 5);
    good = good && version_of(one, n + 1) == 0;
    memcpy(other, one, 50);
    return good && version_of(other, m + 1) == 0;
}

/* ---- the mount ---- */

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * NS_PER_MS}, NULL);
}

static pid_t start(char **command, int n, const char *url, char *mountpoint)
{
    char **argv = calloc((size_t)n + 3, sizeof *argv);
    if (!argv)
        return -1;
    memcpy(argv, command, (size_t)n * sizeof *argv);
    argv[n] = (char *)(uintptr_t)url;
    argv[n + 1] = mountpoint;
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[0], argv);
        _exit(127);
    }
    free(argv);
    return pid;
}

static int await_mount(pid_t pid)
{
    int64_t deadline = clock_mono_ms() + START_MS;
    struct stat st;
    while (stat(path, &st) < 0) {
        if (clock_mono_ms() > deadline || waitpid(pid, NULL, WNOHANG) != 0)
            return -1;
        pause_ms(10);
    }
    return 0;
}

/* Until the last version has been told of. -1: nothing moves any more. */
static int await_changes(void)
{
    unsigned last = 0;
    for (int64_t since = clock_mono_ms(); clock_mono_ms() - since < SILENT_MS;) {
        unsigned now = atomic_load(&told);
        if (now + 1 >= wanted)
            return 0;
        if (now != last)
            since = clock_mono_ms();
        last = now;
        pause_ms(10);
    }
    return -1;
}

/* ---- the whole ---- */

static struct seen all[] = {{.name = "cat", .read_once = cat},
                            {.name = "chunks", .read_once = chunks},
                            {.name = "held", .read_once = held},
                            {.name = "exact", .read_once = exact},
                            {.name = "watcher"}};

static int run_readers(void)
{
    pthread_t threads[ARRAY_LEN(all)];
    size_t n = 0;
    while (n < ARRAY_LEN(all) &&
           pthread_create(&threads[n], NULL, all[n].read_once ? read_on : watch, &all[n]) == 0)
        n++;
    int rc = n == ARRAY_LEN(all) ? await_changes() : -1;
    atomic_store(&done, true);
    while (n > 0)
        pthread_join(threads[--n], NULL);
    return rc;
}

static bool report(int64_t took_ms)
{
    unsigned bad = 0;
    printf("%u changes, %u events, %.1f s\n", atomic_load(&served) - 1, atomic_load(&told),
           (double)took_ms / 1000);
    printf("%-8s %9s %6s %6s %8s %6s\n", "reader", "passes", "torn", "empty", "refused", "stale");
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        const struct seen *s = &all[i];
        bool own_race = s->read_once == exact;
        printf("%-8s %9u %6u %6u %8u %6u%s\n", s->name, s->passes, s->torn, s->empty, s->refused,
               s->stale, own_race ? "  (torn: the size was promised before the read)" : "");
        bad += (own_race ? 0 : s->torn) + s->empty + s->refused + s->stale + (s->passes == 0);
    }
    return bad == 0 && atomic_load(&told) == wanted - 1;
}

static int go(pid_t daemon)
{
    if (await_mount(daemon) < 0) {
        fprintf(stderr, "torn: the mount does not answer\n");
        return -1;
    }
    inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (inotify < 0 || inotify_add_watch(inotify, path, IN_MODIFY | IN_CLOSE_WRITE) < 0) {
        perror("torn: inotify");
        return -1;
    }
    int64_t begin = clock_mono_ms();
    if (run_readers() < 0)
        fprintf(stderr, "torn: not all changes were told of\n");
    return report(clock_mono_ms() - begin) ? 0 : -1;
}

int main(int argc, char **argv)
{
    if (argc < 4 || (wanted = (unsigned)strtoul(argv[1], NULL, 10)) < 1) {
        fprintf(stderr, "usage: torn CHANGES MOUNTPOINT COMMAND [ARGUMENT]...\n");
        return 2;
    }
    if (!judges_well()) {
        fprintf(stderr, "torn: does not know what is torn\n");
        return 2;
    }
    wanted++; /* the first version is no change */
    snprintf(path, sizeof path, "%s/jobs/%s/user_data.json", argv[2], JOB);
    struct httpd *service = httpd_start(answer, NULL);
    pid_t daemon = start(argv + 3, argc - 3, httpd_url(service), argv[2]);
    if (daemon < 0)
        return 2;
    int rc = go(daemon), status = -1;
    kill(daemon, SIGTERM);
    waitpid(daemon, &status, 0);
    httpd_stop(service);
    if (status != 0)
        fprintf(stderr, "torn: the daemon ended with status %d\n", status);
    return rc == 0 && status == 0 ? 0 : 1;
}
