/* The timed loops of the benchmark, apart from the interpreter that directs them.
 *
 *   timed WORK DIR MILLISECONDS [NAME]...
 *
 * Changes to DIR and repeats the work on the names in turn until the time is up: `cat` opens, reads
 * to the end and closes, `pass` reads one file from its beginning to its end, and leaves it open,
 * `stat` looks at attributes, `list` reads a directory. Names are read from stdin, one a line, if
 * none is given. With 0 milliseconds each name has its turn once.
 *
 *   timed run DIR MILLISECONDS COMMAND [ARGUMENT]...
 *
 * Runs a command again and again, its output thrown away through a pipe (some programs stop early
 * when they see /dev/null).
 *
 * Prints nanoseconds an operation: the median of batches of a few milliseconds, so that a moment in
 * which others had the processors does not count, and how many operations there were. */
#include "base/attr.h"
#include "base/num.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAMES_MAX   ((size_t)1 << 18)
#define BATCHES_MAX ((size_t)1 << 16)
#define BATCH_NS    INT64_C(5000000)
#define READ_SIZE   ((size_t)128 << 10)
#define NAME_SIZE   4096
#define NS          INT64_C(1000000000)
#define NS_A_MS     INT64_C(1000000)

struct names {
    char **name;
    size_t n;
};

/* One operation on a name; how much was done, 0 if it failed. */
typedef size_t work_fn(char **name);

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS + t.tv_nsec;
}

static size_t do_cat(char **name)
{
    static char bytes[READ_SIZE];
    ssize_t n = 1;
    int fd = open(*name, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && n > 0)
        n = read(fd, bytes, sizeof bytes);
    return fd >= 0 && close(fd) == 0 && n == 0;
}

static size_t do_pass(char **name)
{
    static char bytes[READ_SIZE];
    static int fd = -1;
    ssize_t n = 1;
    if (fd < 0)
        fd = open(*name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || lseek(fd, 0, SEEK_SET) != 0)
        return 0;
    while (n > 0)
        n = read(fd, bytes, sizeof bytes);
    return n == 0;
}

static size_t do_stat(char **name)
{
    struct stat st;
    return lstat(*name, &st) == 0;
}

static size_t do_list(char **name)
{
    size_t n = 0;
    DIR *dir = opendir(*name);
    while (dir && readdir(dir))
        n++;
    return dir && closedir(dir) == 0 && n > 0;
}

/* Read what it says, and forget it. */
static void swallow(int fd)
{
    static char bytes[READ_SIZE];
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
    close(fd);
}

static size_t do_run(char **argv)
{
    extern char **environ;
    int out[2], status = -1;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    if (pipe2(out, O_CLOEXEC) < 0)
        return 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    int rc = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    swallow(out[0]);
    /* grep's 1, nothing found, is what is wanted of it. */
    return rc == 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) < 2;
}

static const struct {
    const char *name;
    work_fn *work;
} works[] = {
    {"cat", do_cat}, {"pass", do_pass}, {"stat", do_stat}, {"list", do_list}, {"run", do_run},
};

static work_fn *find_work(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(works); i++)
        if (strcmp(works[i].name, name) == 0)
            return works[i].work;
    return NULL;
}

/* One batch: nanoseconds an operation; adds to *ops. -1: one failed. */
static int64_t batch(work_fn *work, const struct names *names, size_t *at, size_t *ops)
{
    int64_t begin = now_ns(), end = begin;
    size_t n = 0;
    for (; end - begin < BATCH_NS; end = now_ns(), n++) {
        if (work(&names->name[*at]) == 0)
            return -1;
        *at = (*at + 1) % names->n;
    }
    *ops += n;
    return (end - begin) / (int64_t)n;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int report(int64_t *took, size_t n, size_t ops)
{
    qsort(took, n, sizeof took[0], compare);
    printf("%lld %zu\n", (long long)took[n / 2], ops);
    return 0;
}

static int failed(const char *name)
{
    fprintf(stderr, "timed: %s: %s\n", name, strerror(errno));
    return 1;
}

static int measure_once(work_fn *work, const struct names *names)
{
    static int64_t took[NAMES_MAX];
    for (size_t i = 0; i < names->n; i++) {
        int64_t begin = now_ns();
        if (work(&names->name[i]) == 0)
            return failed(names->name[i]);
        took[i] = now_ns() - begin;
    }
    return report(took, names->n, names->n);
}

static int measure(work_fn *work, const struct names *names, int64_t ms)
{
    static int64_t took[BATCHES_MAX];
    size_t n = 0, at = 0, ops = 0;
    int64_t end = now_ns() + ms * NS_A_MS;
    do {
        took[n] = batch(work, names, &at, &ops);
        if (took[n++] < 0)
            return failed(names->name[at]);
    } while (n < BATCHES_MAX && now_ns() < end);
    return report(took, n, ops);
}

static void read_names(struct names *names)
{
    static char *name[NAMES_MAX];
    char line[NAME_SIZE];
    names->name = name;
    while (names->n < NAMES_MAX && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        name[names->n] = strdup(line);
        names->n += name[names->n] != NULL;
    }
}

int main(int argc, char **argv)
{
    uint64_t ms = 0;
    work_fn *work = argc >= 4 ? find_work(argv[1]) : NULL;
    if (!work || num_parse_u64(argv[3], 0, UINT32_MAX, &ms) < 0) {
        fprintf(stderr, "usage: timed cat|pass|stat|list|run DIR MILLISECONDS [NAME...]\n");
        return 2;
    }
    if (chdir(argv[2]) < 0)
        return failed(argv[2]);
    struct names names = {.name = argv + 4, .n = work == do_run ? argc > 4 : (size_t)argc - 4};
    if (argc == 4)
        read_names(&names);
    if (names.n == 0) {
        fprintf(stderr, "timed: no names\n");
        return 2;
    }
    return ms == 0 ? measure_once(work, &names) : measure(work, &names, (int64_t)ms);
}
