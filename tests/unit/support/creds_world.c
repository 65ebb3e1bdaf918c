#include "support/creds_world.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/thread.h"
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define N_VARS 40

struct world {
    char home[64];
    struct creds_env env;
    int stderr_copy;
    pthread_mutex_t lock; /* protects the variables */
    struct {
        const char *name;
        const char *value;
    } vars[N_VARS];
};

static atomic_llong shift_ms;

static int64_t shifted_clock(void)
{
    return clock_real_ns() / NS_PER_MS + atomic_load(&shift_ms);
}

void world_shift_clock(int64_t ms)
{
    atomic_store(&shift_ms, ms);
}

static const char *world_getenv(void *ctx, const char *name)
{
    struct world *w = ctx;
    LOCK_SCOPE(&w->lock);
    for (size_t i = 0; i < N_VARS; i++)
        if (w->vars[i].name && strcmp(w->vars[i].name, name) == 0)
            return w->vars[i].value;
    return NULL;
}

/* Names and values outlive the world: tests give literals or their own memory. */
void world_set(struct world *w, const char *name, const char *value)
{
    LOCK_SCOPE(&w->lock);
    size_t i = 0;
    while (w->vars[i].name && strcmp(w->vars[i].name, name) != 0)
        i++;
    assert_true(i < N_VARS - 1);
    w->vars[i].name = name;
    w->vars[i].value = value;
}

static void log_path(const struct world *w, char out[128])
{
    snprintf(out, 128, "%s/.log", w->home);
}

static void keep_log(struct world *w)
{
    char path[128];
    log_path(w, path);
    fflush(stderr);
    w->stderr_copy = dup(2);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(w->stderr_copy >= 0 && fd >= 0 && dup2(fd, 2) == 2);
    close(fd);
}

struct world *world_start(void)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    snprintf(w->home, sizeof w->home, "/tmp/creds-test-XXXXXX");
    assert_non_null(mkdtemp(w->home));
    mutex_init(&w->lock);
    w->env = (struct creds_env){
        .getenv = world_getenv, .ctx = w, .home = w->home, .real_ms = shifted_clock};
    world_shift_clock(0);
    keep_log(w);
    world_set(w, "ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
    return w;
}

char *world_log(const struct world *w)
{
    char path[128];
    log_path(w, path);
    struct buf text = BUF_INIT((size_t)1 << 20);
    assert_int_equal(creds_file_slurp(path, &text, NULL, NULL), 1);
    return buf_take(&text);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void world_end(struct world *w)
{
    fflush(stderr);
    dup2(w->stderr_copy, 2);
    close(w->stderr_copy);
    char *log = world_log(w);
    /* What cmocka said of a failure went into the log as well. */
    if (strstr(log, "ERROR"))
        fputs(log, stderr);
    bool leaked = strstr(log, SECRET_MARK) && !strstr(log, "ERROR");
    nftw(w->home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    mutex_destroy(&w->lock);
    free(w);
    if (leaked)
        fail_msg("a secret is in the log: %s", log);
    free(log);
}

const struct creds_env *world_env(struct world *w)
{
    return &w->env;
}

void world_profile(struct world *w, const char *profile)
{
    w->env.profile = profile;
}

const char *world_home(const struct world *w)
{
    return w->home;
}

static void make_parents(char *path)
{
    for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        mkdir(path, 0700);
        *p = '/';
    }
}

void world_write_bytes(struct world *w, const char *path, const char *bytes, size_t n)
{
    char to[256], from[256 + 8];
    snprintf(to, sizeof to, "%s/%s", w->home, path);
    snprintf(from, sizeof from, "%s.new", to);
    make_parents(to);
    int fd = open(from, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
    assert_int_equal(rename(from, to), 0);
}

void world_write(struct world *w, const char *path, const char *text)
{
    world_write_bytes(w, path, text, strlen(text));
}

void world_remove(struct world *w, const char *path)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", w->home, path);
    assert_int_equal(unlink(full), 0);
}

const char *world_iso(int64_t s)
{
    static _Thread_local char text[4][CLOCK_ISO_LEN];
    static _Thread_local unsigned next;
    char *out = text[next++ % 4];
    clock_iso(clock_real_ns() / NS_PER_S + s, out);
    return out;
}

void assert_no_secret(const char *text)
{
    if (strstr(text, SECRET_MARK))
        fail_msg("a secret is in: %s", text);
}
