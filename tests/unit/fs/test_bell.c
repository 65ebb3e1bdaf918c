/* The notifier and who directs it, on a plain directory: it works by paths. It is started from this
 * very program, as the mount does: see main. */
#include "base/clock.h"
#include "base/thread.h"
#include "fs/bell.h"
#include "fs/notifier.h"
#include "support/alloc_fail.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define GIVE_UP_MS 10000

static char dir[64];
static int root = -1;
static struct bell *bell;

/* ---- the ground ---- */

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/test_bell.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return root >= 0 ? 0 : -1;
}

/* By paths, as in user mode. */
static int set_up(void **state)
{
    if (make_dir(state) < 0)
        return -1;
    bell = bell_new(dir, -1, NULL);
    return bell ? 0 : -1;
}

/* Below a descriptor, as in system mode. */
static int set_up_root(void **state)
{
    if (make_dir(state) < 0)
        return -1;
    bell = bell_new(NULL, root, NULL);
    return bell ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    bell_free(bell);
    bell = NULL;
    close(root);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static void put(const char *name, const char *text)
{
    int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static bool there(const char *name)
{
    return faccessat(root, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * NS_PER_MS}, NULL);
}

/* Ask until it is done: a notifier that died is started anew, once a second. */
static void do_at_last(enum notify_op op, const char *path)
{
    int64_t deadline = clock_mono_ms() + GIVE_UP_MS;
    while (bell_do(bell, op, path, NULL) != 0) {
        assert_true(clock_mono_ms() < deadline);
        pause_ms(5);
    }
}

/* A line of /proc/<notifier>/status. */
static uint64_t status_mask(const char *name)
{
    char path[64], line[256];
    unsigned long long mask = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)bell_pid(bell));
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    bool found = false;
    while (!found && fgets(line, sizeof line, f))
        found = strncmp(line, name, strlen(name)) == 0 &&
                sscanf(line + strlen(name), ": %llx", &mask) == 1;
    fclose(f);
    assert_true(found);
    return mask;
}

static uint64_t bit(int sig)
{
    return UINT64_C(1) << (sig - 1);
}

/* ---- operations ---- */

static void each_operation_does_what_its_name_says(void **state)
{
    (void)state;
    char target[64] = "";
    assert_int_equal(bell_do(bell, NOTIFY_MKDIR, "job", NULL), 0);
    assert_int_equal(fchmodat(root, "job", 0755, 0), 0); /* an ordinary user writes below it next */
    assert_int_equal(bell_do(bell, NOTIFY_CREATE, "job/url", NULL), 0);
    assert_true(there("job/url"));
    assert_int_equal(bell_do(bell, NOTIFY_SYMLINK, "link", "job/url"), 0);
    assert_int_equal(readlinkat(root, "link", target, sizeof target), 7);
    assert_string_equal(target, "job/url");
    assert_int_equal(bell_do(bell, NOTIFY_RENAME, "link", "job/link"), 0);
    assert_false(there("link"));
    assert_true(there("job/link"));
    assert_int_equal(bell_do(bell, NOTIFY_UNLINK, "job/link", NULL), 0);
    assert_int_equal(bell_do(bell, NOTIFY_UNLINK, "job/url", NULL), 0);
    assert_int_equal(bell_do(bell, NOTIFY_RMDIR, "job", NULL), 0);
    assert_false(there("job"));
}

static void what_cannot_be_done_gives_its_errno(void **state)
{
    (void)state;
    char path[NOTIFY_PATH_MAX + 1];
    memset(path, 'x', NOTIFY_PATH_MAX);
    path[NOTIFY_PATH_MAX] = '\0';
    put("here", "x");
    assert_int_equal(bell_do(bell, NOTIFY_RING, "nowhere", NULL), ENOENT);
    assert_int_equal(bell_do(bell, NOTIFY_CREATE, "here", NULL), EEXIST);
    assert_int_equal(bell_do(bell, NOTIFY_RMDIR, "here", NULL), ENOTDIR);
    assert_int_equal(bell_do(bell, (enum notify_op)99, "here", NULL), EINVAL);
    assert_int_equal(bell_do(bell, NOTIFY_RING, path, NULL), ENAMETOOLONG);
    assert_int_equal(bell_do(bell, NOTIFY_RENAME, "here", path), ENAMETOOLONG);
    assert_int_equal(bell_do(bell, NOTIFY_RING, "here", NULL), 0);
}

static void a_link_is_not_followed(void **state)
{
    (void)state;
    put("file", "content");
    assert_int_equal(symlinkat("file", root, "link"), 0);
    assert_int_equal(bell_do(bell, NOTIFY_RING, "link", NULL), ELOOP);
}

static void a_ring_is_open_modify_close_and_keeps_the_size(void **state)
{
    (void)state;
    struct stat st;
    _Alignas(struct inotify_event) char events[4096];
    put("file", "content");
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    assert_true(inotify_add_watch(watch, dir, IN_OPEN | IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE) >=
                0);
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0);
    ssize_t n = read(watch, events, sizeof events);
    uint32_t masks[4] = {0};
    size_t count = 0;
    for (ssize_t at = 0; at < n && count < 4; count++) {
        const struct inotify_event *e = (const struct inotify_event *)(const void *)(events + at);
        masks[count] = e->mask;
        at += (ssize_t)(sizeof *e + e->len);
    }
    close(watch);
    assert_int_equal(count, 3);
    assert_int_equal(masks[0], IN_OPEN);
    assert_int_equal(masks[1], IN_MODIFY);
    assert_int_equal(masks[2], IN_CLOSE_WRITE);
    assert_int_equal(fstatat(root, "file", &st, 0), 0);
    assert_int_equal(st.st_size, strlen("content"));
}

/* ---- the process ---- */

static void it_starts_with_the_first_call_and_stays(void **state)
{
    (void)state;
    put("file", "x");
    assert_int_equal(bell_pid(bell), 0);
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0);
    pid_t pid = bell_pid(bell);
    assert_true(pid > 0 && pid != getpid());
    for (int i = 0; i < 100; i++)
        assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0);
    assert_int_equal(bell_pid(bell), pid);
}

static int forks;

static void count_fork(void)
{
    forks++;
}

static void starting_it_copies_no_tables_of_pages(void **state)
{
    (void)state;
    put("file", "x");
    assert_int_equal(pthread_atfork(count_fork, NULL, NULL), 0); /* spawning calls none */
    forks = 0;
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0);
    assert_int_equal(forks, 0);
}

static void it_alone_is_taken_for_the_notifier(void **state)
{
    (void)state;
    put("file", "x");
    assert_false(bell_is_notifier(bell, 0)); /* FUSE gives 0 for callers of other pid namespaces */
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0);
    assert_true(bell_is_notifier(bell, bell_pid(bell)));
    assert_false(bell_is_notifier(bell, getpid()));
    assert_false(bell_is_notifier(bell, 0));
}

/* The numbers of its descriptors above 2, as bits. */
static unsigned descriptors(void)
{
    char path[64];
    unsigned found = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)bell_pid(bell));
    DIR *fds = opendir(path);
    assert_non_null(fds);
    for (const struct dirent *e = readdir(fds); e; e = readdir(fds)) {
        long n = strtol(e->d_name, NULL, 10);
        if (n > 2)
            found |= 1U << (n < 31 ? n : 31);
    }
    closedir(fds);
    return found;
}

static void assert_only_descriptors(unsigned wanted)
{
    int careless = open("/dev/null", O_RDONLY),
        high = fcntl(careless, F_DUPFD, 100); /* both without O_CLOEXEC */
    assert_true(careless >= 0 && high >= 0);
    put("file", "x");
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0);
    assert_int_equal(descriptors(), wanted);
    close(careless);
    close(high);
}

/* Whether it could make itself a place of its own (fs/notifier_place.h); not in a chroot, nor where
 * it is forbidden. */
static bool lives_apart(void)
{
    char path[64], ours[64] = "", its[64] = "";
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)bell_pid(bell));
    assert_true(readlink("/proc/self/ns/mnt", ours, sizeof ours - 1) > 0);
    assert_true(readlink(path, its, sizeof its - 1) > 0);
    return strcmp(ours, its) != 0;
}

static void by_paths_it_has_its_socket_and_at_most_the_root_of_its_place(void **state)
{
    (void)state;
    put("file", "x");
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0);
    assert_only_descriptors(1U << NOTIFIER_SOCKET_FD |
                            (lives_apart() ? 1U << NOTIFIER_ROOT_FD : 0));
}

static void below_a_root_it_has_its_socket_and_the_root(void **state)
{
    (void)state;
    assert_only_descriptors(1U << NOTIFIER_SOCKET_FD | 1U << NOTIFIER_ROOT_FD);
}

static void it_has_no_environment(void **state)
{
    (void)state;
    char path[64], text[16];
    setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "a secret", 1);
    put("file", "x");
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0);
    unsetenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET");
    snprintf(path, sizeof path, "/proc/%d/environ", (int)bell_pid(bell));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof text), 0);
    close(fd);
}

/* The daemon blocks all signals, and whoever started it may have had some ignored. */
static void it_can_be_ended_by_any_signal(void **state)
{
    (void)state;
    sigset_t all, was;
    sigfillset(&all);
    put("file", "x");
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &all, &was), 0);
    void (*hup)(int) = signal(SIGHUP, SIG_IGN), (*term)(int) = signal(SIGTERM, SIG_IGN);
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0);
    signal(SIGHUP, hup);
    signal(SIGTERM, term);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &was, NULL), 0);
    assert_true(status_mask("SigBlk") == 0);
    /* A reply to a daemon that is gone, and a terminal's Ctrl-C, which is for the daemon. */
    uint64_t ignored = status_mask("SigIgn") & ~(bit(32) | bit(33)); /* libc's own: posix_spawn's */
    assert_true(ignored == (bit(SIGPIPE) | bit(SIGINT)));
    assert_true((status_mask("SigCgt") & (bit(SIGTERM) | bit(SIGHUP) | bit(SIGINT))) == 0);
}

static void it_ends_with_the_bell(void **state)
{
    (void)state;
    put("file", "x");
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0);
    pid_t pid = bell_pid(bell);
    bell_free(bell);
    bell = NULL;
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1); /* waited for already */
    assert_int_equal(kill(pid, 0), -1);
    bell_free(NULL);
}

/* ---- trouble ---- */

static void killed_it_is_started_anew(void **state)
{
    (void)state;
    put("file", "x");
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0);
    pid_t first = bell_pid(bell);
    assert_int_equal(kill(first, SIGKILL), 0);
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), EIO);
    assert_int_equal(bell_pid(bell), 0);
    do_at_last(NOTIFY_RING, "file");
    assert_true(bell_pid(bell) > 0 && bell_pid(bell) != first);
}

static void it_is_not_started_more_than_once_a_second(void **state)
{
    (void)state;
    put("file", "x");
    int64_t begin = clock_mono_ms();
    for (int i = 0; i < 3; i++) {
        do_at_last(NOTIFY_RING, "file");
        kill(bell_pid(bell), SIGKILL);
        assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), EIO);
    }
    assert_true(clock_mono_ms() - begin >= 2000);
}

static void hanging_it_is_given_up_within_about_five_seconds(void **state)
{
    (void)state;
    put("file", "x");
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0);
    pid_t pid = bell_pid(bell);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    int64_t begin = clock_mono_ms();
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), EIO);
    int64_t took = clock_mono_ms() - begin;
    assert_in_range(took, 4900, 20000);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0); /* another one */
}

static void *ring_once(void *arg)
{
    *(int *)arg = bell_do(bell, NOTIFY_RING, "file", NULL);
    return NULL;
}

static void retired_it_is_gone_for_good_and_who_waits_is_answered(void **state)
{
    (void)state;
    pthread_t thread;
    int result = -1;
    put("file", "x");
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), 0);
    pid_t pid = bell_pid(bell);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    int64_t begin = clock_mono_ms();
    assert_int_equal(thread_start(&thread, "rings", ring_once, &result, NULL), 0);
    bell_retire(bell);
    thread_join(thread);
    assert_int_equal(result, EIO);
    assert_true(clock_mono_ms() - begin < 900);
    assert_int_equal(kill(pid, 0), -1);
    pause_ms(1); /* it would not be started, however long ago the last one was */
    assert_int_equal(bell_do(bell, NOTIFY_RING, "file", NULL), EIO);
    assert_int_equal(bell_pid(bell), 0);
    bell_retire(NULL);
}

static void without_memory_it_says_so(void **state)
{
    (void)state;
    unsigned failures = 0;
    for (unsigned n = 1;; n++) {
        struct err err = {""};
        alloc_fail_at(n);
        struct bell *b = bell_new(dir, -1, &err);
        if (!alloc_fail_fired()) {
            assert_non_null(b);
            bell_free(b);
            break;
        }
        assert_null(b);
        assert_non_null(strstr(err.text, "memory"));
        failures++;
    }
    assert_int_equal(failures, 2);
}

/* ---- the protocol, with the process in our hands ---- */

struct direct {
    pid_t pid;
    int socket;
};

static struct direct start_below(pid_t daemon)
{
    int pair[2];
    char parent[24];
    snprintf(parent, sizeof parent, "%ld", (long)daemon);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    struct direct d = {.pid = fork(), .socket = pair[0]};
    if (d.pid == 0) {
        int high = fcntl(pair[1], F_DUPFD, 20);
        if (high < 0 || dup2(high, NOTIFIER_SOCKET_FD) < 0 ||
            close_range(NOTIFIER_SOCKET_FD + 1, ~0U, 0) < 0)
            _exit(99);
        exit(notifier_main(dir, parent));
    }
    close(pair[1]);
    return d;
}

static struct direct start_directly(void)
{
    return start_below(getpid());
}

static int exit_status(struct direct *d)
{
    int status = -1;
    assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void it_answers_each_request_by_its_number_and_ends_with_the_socket(void **state)
{
    (void)state;
    struct direct d = start_directly();
    put("file", "x");
    for (uint32_t i = 7; i < 10; i++) {
        struct notify_request request = {.sequence = i, .op = NOTIFY_RING, .path = "file"};
        struct notify_reply reply = {0};
        assert_int_equal(send(d.socket, &request, sizeof request, 0), (ssize_t)sizeof request);
        assert_int_equal(recv(d.socket, &reply, sizeof reply, 0), (ssize_t)sizeof reply);
        assert_int_equal(reply.sequence, i);
        assert_int_equal(reply.error, 0);
    }
    close(d.socket);
    assert_int_equal(exit_status(&d), EXIT_SUCCESS);
}

static void it_ends_at_once_where_its_daemon_has_ended(void **state)
{
    (void)state;
    struct direct d = start_below(getppid());
    assert_int_equal(exit_status(&d), EXIT_FAILURE);
    close(d.socket);
}

static void a_request_that_is_none_ends_it(void **state)
{
    (void)state;
    struct direct d = start_directly();
    assert_int_equal(send(d.socket, "hello", 5, 0), 5);
    assert_int_equal(exit_status(&d), EXIT_SUCCESS);
    close(d.socket);
}

static void paths_without_an_end_are_cut(void **state)
{
    (void)state;
    struct direct d = start_directly();
    struct notify_request request = {.sequence = 1, .op = NOTIFY_RENAME};
    struct notify_reply reply = {0};
    memset(request.path, 'x', sizeof request.path);
    memset(request.other, '/', sizeof request.other);
    assert_int_equal(send(d.socket, &request, sizeof request, 0), (ssize_t)sizeof request);
    assert_int_equal(recv(d.socket, &reply, sizeof reply, 0), (ssize_t)sizeof reply);
    assert_int_not_equal(reply.error, 0); /* a name of 511 bytes, and a place that is none */
    close(d.socket);
    assert_int_equal(exit_status(&d), EXIT_SUCCESS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--notifier") == 0)
        return notifier_main(argv[2], argv[3]);
    const struct CMUnitTest tests[] = {
        TEST(each_operation_does_what_its_name_says),
        cmocka_unit_test_setup_teardown(each_operation_does_what_its_name_says, set_up_root,
                                        tear_down),
        TEST(what_cannot_be_done_gives_its_errno),
        TEST(a_link_is_not_followed),
        TEST(a_ring_is_open_modify_close_and_keeps_the_size),
        TEST(it_starts_with_the_first_call_and_stays),
        TEST(starting_it_copies_no_tables_of_pages),
        TEST(it_alone_is_taken_for_the_notifier),
        TEST(by_paths_it_has_its_socket_and_at_most_the_root_of_its_place),
        cmocka_unit_test_setup_teardown(below_a_root_it_has_its_socket_and_the_root, set_up_root,
                                        tear_down),
        TEST(it_has_no_environment),
        TEST(it_can_be_ended_by_any_signal),
        TEST(it_ends_with_the_bell),
        TEST(killed_it_is_started_anew),
        TEST(it_is_not_started_more_than_once_a_second),
        TEST(hanging_it_is_given_up_within_about_five_seconds),
        TEST(retired_it_is_gone_for_good_and_who_waits_is_answered),
        TEST(without_memory_it_says_so),
        TEST(it_answers_each_request_by_its_number_and_ends_with_the_socket),
        TEST(it_ends_at_once_where_its_daemon_has_ended),
        TEST(a_request_that_is_none_ends_it),
        TEST(paths_without_an_end_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
