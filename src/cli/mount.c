#include "cli/mount.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/thread.h"
#include "cache/cache.h"
#include "cache/keeper.h"
#include "cli/alive.h"
#include "cli/daemon.h"
#include "cli/database.h"
#include "cli/demo_jobs.h"
#include "cli/mountcheck.h"
#include "cli/mountpoint.h"
#include "cli/options.h"
#include "cli/path.h"
#include "cli/probe.h"
#include "cli/remote.h"
#include "cli/wait.h"
#include "fs/session.h"
#include "live/live.h"
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define CHECK_MS       5000  /* the most that the first call may take from a mount ... */
#define CHECK_KNOWN_MS 1000  /* ... that has something to show without it */
#define SAVE_MS        3000  /* the most that saving may take at the end */
#define ALIVE_MS       10000 /* by then a mount on this machine answers */

/* All that a mount consists of, in the order in which it is made. */
struct mount {
    const struct options *o;
    char *mountpoint;
    struct remote remote;
    int64_t timeout_ms; /* of readers: the option, or less where the kernel sets a limit */
    int link;           /* to whoever started it, -1 in front */
    int stop_fd;        /* readable: a signal asks us to end */
    struct cache *cache;
    struct keeper *keeper;
    struct live *live;
    struct fs *fs;
    /* The credentials' thread, which lives until after the refresh thread, must not wake it then.
     * Protects `wake_live` alone. */
    pthread_mutex_t wake_lock;
    bool wake_live;
};

/* The kernel aborts a whole mount for one request that stays open past its limit: none of ours may
 * come near it. */
static void choose_timeout(struct mount *m)
{
    int64_t limit = fs_kernel_limit_ms();
    m->timeout_ms = m->o->timeout_ms;
    if (limit == 0 || m->timeout_ms <= limit / 2)
        return;
    m->timeout_ms = limit / 2;
    log_warn("timeout shortened to half of the kernel's limit (sysctl fs.fuse.max_request_timeout) "
             "timeout_ms=%lld",
             (long long)m->timeout_ms);
}

static void keys_changed(void *arg)
{
    struct mount *m = arg;
    LOCK_SCOPE(&m->wake_lock);
    if (m->wake_live)
        live_wake(m->live);
}

static void set_wake(struct mount *m, bool on)
{
    LOCK_SCOPE(&m->wake_lock);
    m->wake_live = on;
}

/* For the cache, which exists before the refresh thread's object does. */
static void work_wanted(void *arg)
{
    struct mount *m = arg;
    live_wake(m->live);
}

/* Before any thread, so that all inherit it: the signals come by the descriptor alone. */
static int take_signals(struct mount *m, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return err_set(err, "block signals: %s", strerror(errno));
    m->stop_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return m->stop_fd < 0 ? err_set(err, "signalfd: %s", strerror(errno)) : 0;
}

static int check_service(struct mount *m, struct err *err)
{
    int64_t most = cache_generation(m->cache) > 0 ? CHECK_KNOWN_MS : CHECK_MS;
    int64_t timeout = m->timeout_ms < most ? m->timeout_ms : most;
    struct probe probe;
    struct err line = {""};
    if (probe_call(m->remote.http, m->remote.ice, NULL, timeout, &probe, err) < 0)
        return -1;
    struct mountcheck check = mountcheck_decide(&probe);
    if (check.verdict == MOUNTCHECK_FINE) {
        log_debug("mount check answer=%s code=%s", api_class_name(probe.class), probe.code);
        return 0;
    }
    mountcheck_line(&check, &probe, &line);
    if (check.verdict == MOUNTCHECK_REFUSE)
        return err_set(err, "%s", line.text);
    log_warn("%s; mounting all the same", line.text);
    return 0;
}

static int make_cache(struct mount *m, struct err *err)
{
    struct cache_config config = {.ttl_ms = m->o->ttl_ms,
                                  .patience_ms = m->o->patience_ms,
                                  .ttl_missing_ms = m->o->ttl_missing_ms,
                                  .timeout_ms = m->timeout_ms,
                                  .size_max = (size_t)m->o->cache_size,
                                  .wake = work_wanted,
                                  .wake_arg = m};
    m->cache = cache_new(&config, err);
    if (!m->cache)
        return -1;
    fs_prepare_cache(m->cache);
    return 0;
}

/* Of the keys that are there now; NULL: nothing is kept, or it cannot be. The simulated jobs of a
 * demo are others each time. */
static char *database(const struct mount *m)
{
    const char *state = m->o->state;
    if (!state || m->remote.is_demo)
        return NULL;
    if (database_make_dir(state) < 0) {
        log_error("nothing will be kept: cannot make the state directory path=%s error=%s", state,
                  strerror(errno));
        return NULL;
    }
    struct creds_keys *keys = creds_get(m->remote.creds, NULL);
    char *path = keys ? database_path(state, creds_account(keys), m->remote.endpoint.url) : NULL;
    creds_keys_unref(keys);
    return path;
}

/* After this the cache knows what was known. */
static int make_keeper(struct mount *m, struct err *err)
{
    char *path CLEANUP_FREE = database(m);
    const struct keeper_config config = {.cache = m->cache, .path = path, .keep_ms = m->o->keep_ms};
    m->keeper = keeper_new(&config, err);
    return m->keeper ? 0 : -1;
}

static void number_used(void *arg, uint64_t number)
{
    keeper_used(arg, number);
}

/* Without discovery lists still serve the refresh of known jobs, as far back as one call goes. */
static int64_t list_window(const struct options *o)
{
    return o->discover_ms == OPTIONS_DISCOVER_OFF ? 0 : o->discover_ms;
}

static int64_t keep(const struct options *o)
{
    return o->keep_ms == OPTIONS_KEEP_FOREVER ? 0 : o->keep_ms;
}

static int make_live(struct mount *m, struct err *err)
{
    struct live_config config = {.http = m->remote.http,
                                 .ice = m->remote.ice,
                                 .creds = m->remote.creds,
                                 .cache = m->cache,
                                 .qps = (unsigned)m->o->qps,
                                 .timeout_ms = m->timeout_ms,
                                 .refresh_ms = m->o->refresh_ms,
                                 .window_ms = list_window(m->o),
                                 .discover_ms = m->o->discover_ms,
                                 .keep_ms = keep(m->o),
                                 .ttl_ms = m->o->ttl_ms};
    m->live = live_new(&config, err);
    return m->live ? 0 : -1;
}

static int make_fs(struct mount *m, struct err *err)
{
    struct fs_config config = {.source = m->o->source,
                               .mountpoint = m->mountpoint,
                               .cache = m->cache,
                               .live = m->live,
                               .timeout_ms = m->timeout_ms,
                               .notify = !m->o->no_notify,
                               .keeper = m->keeper,
                               .first_event = keeper_first_number(m->keeper),
                               .event_used = number_used,
                               .event_used_arg = m->keeper,
                               .uid = m->o->uid,
                               .gid = m->o->gid,
                               .umask = m->o->umask,
                               .allow_other = m->o->allow_other,
                               .fastcache = m->o->fastcache,
                               .debug = m->o->debug > 1};
    m->fs = fs_mount(&config, err);
    return m->fs ? 0 : -1;
}

/* Whether a signal has come meanwhile; there is then nothing to complain of. */
static bool told_to_stop(const struct mount *m)
{
    return wait_readable(m->stop_fd, 0) == WAIT_READY;
}

/* All but the threads. */
static int make(struct mount *m, struct err *err)
{
    if (take_signals(m, err) < 0 || remote_open(&m->remote, m->o, err) < 0 ||
        creds_load(m->remote.creds, REMOTE_CREDS_MS, err) < 0 || make_cache(m, err) < 0 ||
        make_keeper(m, err) < 0 || make_live(m, err) < 0)
        return -1;
    if (told_to_stop(m))
        return 0;
    if (check_service(m, err) < 0 ||
        (m->remote.is_demo && demo_name_jobs(m->remote.http, m->remote.ice, m->cache, err) < 0))
        return -1;
    return make_fs(m, err);
}

static int start(struct mount *m, struct err *err)
{
    set_wake(m, true);
    if (creds_start(m->remote.creds, keys_changed, m, err) < 0 || live_start(m->live, err) < 0 ||
        keeper_start(m->keeper, err) < 0 || fs_start(m->fs, err) < 0)
        return -1;
    int alive = alive_wait(m->mountpoint, ALIVE_MS, err);
    if (alive < 0)
        return -1;
    if (alive > 0) /* that it was mounted is known: serving it will end */
        log_info("unmounted already mountpoint=%s", m->mountpoint);
    return daemon_tell(&m->link, DAEMON_READY, err);
}

static int serve(struct mount *m, struct err *err)
{
    if (make(m, err) < 0)
        return -1;
    if (told_to_stop(m))
        return 0;
    if (start(m, err) < 0)
        return -1;
    log_set_level(m->o->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
    log_info("mounted source=%s mountpoint=%s", m->o->source, m->mountpoint);
    int rc = fs_wait(m->fs, m->stop_fd, err);
    log_info("ending source=%s mountpoint=%s", m->o->source, m->mountpoint);
    return rc;
}

/* In reverse, whatever there is of it. Readers are answered first, for nothing ends while they
 * wait; calls under way are ended while what their callbacks use is still there. */
static void unmake(struct mount *m)
{
    if (m->cache)
        cache_shutdown(m->cache, EIO);
    set_wake(m, false);
    if (m->live)
        live_stop(m->live); /* its thread tells the mount of changes */
    if (m->fs)
        fs_free(m->fs);
    if (m->keeper)
        keeper_stop(m->keeper, SAVE_MS);
    remote_end_calls(&m->remote);
    if (m->live)
        live_free(m->live);
    m->live = NULL;
    keeper_free(m->keeper);
    if (m->cache)
        cache_free(m->cache);
    remote_close(&m->remote);
    if (m->stop_fd >= 0)
        close(m->stop_fd);
}

/* What a reply takes for a moment is kept for the next one: by default each thread has a heap of
 * its own, which grows page by page, a system call each, and is given back and taken again several
 * times a second (mallopt(3)). */
static void keep_free_memory(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, 1 << 18);
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

/* The daemon, in front or in the background. */
static int run(struct mount *m)
{
    struct err err = {""};
    secret_harden_process();
    keep_free_memory();
    mutex_init(&m->wake_lock);
    choose_timeout(m);
    /* On the terminal of whoever starts it: only what calls for them. */
    if (m->link >= 0 && !m->o->debug)
        log_set_level(LOG_LEVEL_WARN);
    int rc = serve(m, &err);
    if (rc < 0 && m->fs)
        log_error("%s", err.text);
    else if (rc < 0)
        fprintf(stderr, "icejobfs: cannot mount %s: %s\n", m->o->source, err.text);
    unmake(m);
    mutex_destroy(&m->wake_lock);
    daemon_tell(&m->link, DAEMON_FAILED, NULL); /* unless told before that it is ready */
    return rc < 0 ? 1 : 0;
}

/* The started process: leave with the daemon's verdict. */
static int await(int link, pid_t child)
{
    struct err err = {""};
    int verdict = daemon_wait(link, child, DAEMON_START_MS, &err);
    close(link);
    if (verdict < 0)
        fprintf(stderr, "icejobfs: %s\n", err.text);
    return verdict < 0 ? 1 : verdict;
}

static int go(struct mount *m, struct err *err)
{
    enum daemon_side side;
    pid_t child;
    if (remote_resolve(&m->remote, m->o, err) < 0)
        return -1;
    m->mountpoint = mountpoint_resolve(m->o->mountpoint, err);
    if (!m->mountpoint)
        return -1;
    if (m->o->foreground)
        return run(m);
    if (daemon_fork(&side, &m->link, &child, err) < 0)
        return -1;
    return side == DAEMON_PARENT ? await(m->link, child) : run(m);
}

int mount_run(const struct options *o)
{
    struct err err = {""};
    struct mount m = {.o = o, .link = -1, .stop_fd = -1};
    int status = go(&m, &err);
    free(m.mountpoint);
    if (status < 0)
        fprintf(stderr, "icejobfs: cannot mount %s: %s\n", o->source, err.text);
    return status < 0 ? 1 : status;
}
