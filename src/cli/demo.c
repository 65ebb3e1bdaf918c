#include "cli/demo.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include "cli/wait.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM  "icejobfs-sim"
#define READY_MS 10000
#define END_MS   1000
#define READY_FD 3 /* in the simulator */

#define ENV_KEY_ID     "ALIBABA_CLOUD_ACCESS_KEY_ID"
#define ENV_KEY_SECRET "ALIBABA_CLOUD_ACCESS_KEY_SECRET"

/* Our own program's neighbour, or the bare name, which is looked up in PATH. */
static void find_program(char out[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - sizeof PROGRAM - 1);
    out[n < 0 ? 0 : n] = '\0';
    char *slash = strrchr(out, '/');
    if (slash) {
        memcpy(slash + 1, PROGRAM, sizeof PROGRAM);
        if (access(out, X_OK) == 0)
            return;
    }
    memcpy(out, PROGRAM, sizeof PROGRAM);
}

static int make_dir(struct demo *d, struct err *err)
{
    const char *base = getenv("XDG_RUNTIME_DIR");
    /* A socket's path has 107 bytes at most. */
    if (!base || *base != '/' || strlen(base) > sizeof d->dir - sizeof "/icejobfs-demo-XXXXXX" ||
        access(base, W_OK | X_OK) < 0)
        base = "/tmp";
    snprintf(d->dir, sizeof d->dir, "%s/icejobfs-demo-XXXXXX", base);
    if (!mkdtemp(d->dir)) {
        d->dir[0] = '\0';
        return err_set(err, "demo: make a directory in %s: %s", base, strerror(errno));
    }
    snprintf(d->socket, sizeof d->socket, "%s/sock", d->dir);
    return 0;
}

/* In the child, still single-threaded. Secrets go by the environment: arguments are for all to see.
 * Its own process group keeps a Ctrl-C for us alone; its silence keeps it from holding the
 * caller's terminal or pipe. */
static void exec_program(const struct demo *d, const char *program, pid_t parent, int ready)
{
    char listen[sizeof d->socket + 8];
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int null = open("/dev/null", O_RDWR);
    if (getppid() != parent || null < 0 || setenv(ENV_KEY_ID, d->key_id, 1) < 0 ||
        setenv(ENV_KEY_SECRET, d->key_secret, 1) < 0)
        _exit(127);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    if (ready == READY_FD)
        fcntl(ready, F_SETFD, 0);
    else
        dup2(ready, READY_FD);
    snprintf(listen, sizeof listen, "unix:%s", d->socket);
    execlp(program, PROGRAM, "--listen", listen, "--jobs", "24", "--speed", "10", "--ready-fd", "3",
           (char *)NULL);
    _exit(127);
}

static int await_ready(int fd, struct err *err)
{
    char byte;
    if (wait_readable(fd, clock_mono_ms() + READY_MS) != WAIT_READY)
        return err_set(err, "demo: the simulator does not get ready");
    if (read(fd, &byte, 1) != 1)
        return err_set(err, "demo: the simulator did not start: is " PROGRAM
                            " installed beside icejobfs?");
    return 0;
}

static int spawn(struct demo *d, const char *program, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, "demo: pipe: %s", strerror(errno));
    CLEANUP_FD int in = ends[0];
    CLEANUP_FD int out = ends[1];
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0)
        exec_program(d, program, self, out);
    if (pid < 0)
        return err_set(err, "demo: fork: %s", strerror(errno));
    d->pid = pid;
    setpgid(pid, pid);   /* both do it: whoever is first, demo_stop finds the group */
    close(MOVE_FD(out)); /* so that its end is seen */
    return await_ready(in, err);
}

int demo_start(struct demo *d, const char *program, struct err *err)
{
    char found[PATH_MAX];
    memset(d, 0, sizeof *d);
    if (!program) {
        find_program(found);
        program = found;
    }
    random_hex32(d->key_id);
    memcpy(d->key_id, "LTAIdemo", 8);
    random_hex32(d->key_secret);
    if (make_dir(d, err) == 0 && spawn(d, program, err) == 0)
        return 0;
    demo_stop(d);
    return -1;
}

void demo_stop(struct demo *d)
{
    if (d->pid > 0) {
        kill(-d->pid, SIGTERM);
        if (!wait_child(d->pid, clock_mono_ms() + END_MS)) {
            kill(-d->pid, SIGKILL);
            wait_child(d->pid, clock_mono_ms() + END_MS);
        }
    }
    if (*d->dir) {
        unlink(d->socket);
        rmdir(d->dir);
    }
    secret_wipe(d, sizeof *d);
}

const char *demo_getenv(void *demo, const char *name)
{
    const struct demo *d = demo;
    if (strcmp(name, ENV_KEY_ID) == 0)
        return d->key_id;
    return strcmp(name, ENV_KEY_SECRET) == 0 ? d->key_secret : NULL;
}
