#include "fs/session.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "fs/bell.h"
#include "fs/events.h"
#include "fs/fs_private.h"
#include "fs/groups.h"
#include "fs/held.h"
#include "fs/links.h"
#include "fs/stage.h"
#include "fs/tsv.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int copy_config(struct fs *fs, const struct fs_config *config, struct err *err)
{
    char *path = realpath(config->mountpoint, NULL);
    char *source = strdup(config->source);
    fs->config = *config;
    fs->config.mountpoint = path;
    fs->config.source = source;
    if (!path)
        return err_set(err, "cannot mount on %s: %s", config->mountpoint, strerror(errno));
    return source ? 0 : err_set(err, "no memory");
}

/* Commas and backslashes separate libfuse's options. */
static int add_escaped(struct buf *out, const char *text)
{
    for (; *text; text++)
        if (((*text == ',' || *text == '\\') && buf_addc(out, '\\') < 0) ||
            buf_addc(out, *text) < 0)
            return -1;
    return 0;
}

static int make_session(struct fs *fs, struct err *err)
{
    struct buf opts CLEANUP_BUF = BUF_INIT(8192);
    if (buf_adds(&opts, "subtype=icejobfs,fsname=") < 0 ||
        add_escaped(&opts, fs->config.source) < 0 ||
        (fs->config.allow_other && buf_adds(&opts, ",allow_other") < 0))
        return err_set(err, "no memory");
    char name[] = "icejobfs", flag[] = "-o", debug[] = "-d";
    char *argv[] = {name, flag, opts.data, fs->config.debug ? debug : NULL, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(fs->config.debug ? 4 : 3, argv);
    fs->session = fuse_session_new(&args, &fs_ops, sizeof fs_ops, fs);
    fuse_opt_free_args(&args);
    return fs->session ? 0 : err_set(err, "cannot make a FUSE session");
}

/* Nobody but the kernel keeps writers out where an open is not asked for. */
static int no_fastcache(const struct err *why, struct err *err)
{
    return err_set(err, "fastcache needs a mount that the kernel keeps read-only: %s", why->text);
}

/* System mode where root has the calls, else user mode's way. */
static int do_mount(struct fs *fs, struct err *err)
{
    struct err why = {"only root has the calls that it needs"};
    if (geteuid() == 0) {
        int rc = mount_system(fs, &why);
        if (rc == 0) {
            fs->system_mode = true;
            return 0;
        }
        if (rc < 0)
            return err_set(err, "%s", why.text);
        if (fs->config.fastcache)
            return no_fastcache(&why, err);
        log_warn("mounting as an ordinary user does: the calls for a kernel-enforced read-only "
                 "mount are missing: %s",
                 why.text);
    }
    return fs->config.fastcache ? no_fastcache(&why, err) : mount_user(fs, err);
}

static int make_views(struct fs *fs, struct err *err)
{
    fs->groups = groups_new(err);
    return fs->groups ? groups_restore(fs->groups, fs->config.cache, err) : -1;
}

static int make_events(struct fs *fs, struct err *err)
{
    const struct events_numbers numbers = {.first = fs->config.first_event,
                                           .used = fs->config.event_used,
                                           .arg = fs->config.event_used_arg};
    fs->events = events_new(&numbers, err);
    return fs->events ? 0 : -1;
}

static int make_rooms(struct fs *fs, struct err *err)
{
    fs->held = held_new(err);
    fs->stage = fs->held ? stage_new(err) : NULL;
    if (!fs->stage || make_views(fs, err) < 0 || make_events(fs, err) < 0)
        return -1;
    fs->tsv = tsv_new(fs->config.cache, err);
    fs->updater = fs->tsv ? updater_new(fs, err) : NULL;
    fs->workers = fs->updater ? workers_new(fs, err) : NULL;
    if (!fs->workers)
        return -1;
    if (!fs->config.notify)
        return 0;
    fs->bell = bell_new(fs->system_mode ? NULL : fs->config.mountpoint, fs->private_fd, err);
    return fs->bell ? 0 : -1;
}

static void readers_answered(void *arg)
{
    struct fs *fs = arg;
    updater_call(fs->updater);
}

static int set_up(struct fs *fs, const struct fs_config *config, struct err *err)
{
    if (copy_config(fs, config, err) < 0 || mountpoint_prepare(fs->config.mountpoint, err) < 0 ||
        make_session(fs, err) < 0 || do_mount(fs, err) < 0)
        return -1;
    if (make_rooms(fs, err) < 0)
        return -1;
    fs->device = mountinfo_device(fs->mount_id);
    cache_stage_changes(fs->config.cache, true);
    cache_listen(fs->config.cache, fs_listen, fs);
    cache_listen_after(fs->config.cache, readers_answered, fs);
    cache_before_wait(fs->config.cache, workers_before_wait);
    return 0;
}

void fs_prepare_cache(struct cache *cache)
{
    cache_group_by(cache, view_label);
}

struct fs *fs_mount(const struct fs_config *config, struct err *err)
{
    struct fs *fs = calloc(1, sizeof *fs);
    if (!fs) {
        err_set(err, "no memory");
        return NULL;
    }
    fs->private_fd = -1;
    fs->mount_id = -1;
    fs->born_ns = clock_real_ns();
    fs->jobs_mtime_ns = fs->born_ns;
    mutex_init(&fs->meta_lock);
    if (set_up(fs, config, err) < 0) {
        fs_free(fs);
        return NULL;
    }
    return fs;
}

int fs_start(struct fs *fs, struct err *err)
{
    return workers_start(fs->workers, err) < 0 ? -1 : updater_start(fs->updater, err);
}

/* Private clones keep the superblock alive, ours and the notifier's, so an unmount by the user ends
 * nothing by itself: once their mount is gone the clones are dropped, and the connection ends with
 * the last open file. */
static void drop_clones_if_unmounted(struct fs *fs)
{
    if (!fs->mounted || mountinfo_has(fs->mount_id, fs->device))
        return;
    log_info("unmounted path=%s", fs->config.mountpoint);
    fs->mounted = false;
    bell_retire(fs->bell);
    int clone = MOVE_FD(fs->private_fd);
    if (clone >= 0)
        close(clone);
}

int fs_wait(struct fs *fs, int stop_fd, struct err *err)
{
    int table CLEANUP_FD = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (table < 0)
        return err_set(err, "cannot watch /proc/self/mountinfo: %s", strerror(errno));
    struct pollfd fds[] = {
        {.fd = stop_fd, .events = POLLIN},
        {.fd = workers_ended_fd(fs->workers), .events = POLLIN},
        {.fd = table, .events = POLLPRI},
    };
    for (;;) {
        drop_clones_if_unmounted(fs);
        if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
            return err_set(err, "cannot wait for the end of the mount: %s", strerror(errno));
        if (fds[1].revents) {
            int error = workers_error(fs->workers);
            return error ? err_set(err, "serving %s failed: %s", fs->config.mountpoint,
                                   strerror(error))
                         : 0;
        }
        if (fds[0].revents)
            return 0;
    }
}

/* A job whose links have not been told of has none, however it is named meanwhile. */
static void hold_links(struct fs *fs, uint64_t key)
{
    for (unsigned view = 0; view < VIEWS; view++)
        stage_link_hold(fs->stage, key, view, NODE_NONE);
}

/* Without memory for a note the change is shown all the same, and nobody is told. */
static void show_untold(struct fs *fs, enum cache_event event, uint64_t key, const char *id,
                        const struct job *after)
{
    log_error("a change is shown without events: no memory job=%s", id);
    links_free(fs, key);
    if (event == CACHE_STAGED || event == CACHE_UNBORN)
        cache_publish(fs->config.cache, key, after, clock_mono_ms());
    else if (event == CACHE_LEAVING)
        cache_forget(fs->config.cache, key);
}

void fs_listen(void *arg, enum cache_event event, uint64_t key, const char *id,
               const struct job *before, const struct job *after)
{
    struct fs *fs = arg;
    (void)before;
    if (event == CACHE_CREATED)
        atomic_store(&fs->jobs_mtime_ns, clock_real_ns());
    if (event == CACHE_CREATED || event == CACHE_UNBORN)
        hold_links(fs, key);
    if (!updater_note(fs->updater, event, key, id))
        show_untold(fs, event, key, id, after);
}

int64_t fs_kernel_limit_ms(void)
{
    static const char *const files[] = {"/proc/sys/fs/fuse/max_request_timeout",
                                        "/proc/sys/fs/fuse/default_request_timeout"};
    int64_t least = 0;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        FILE *f = fopen(files[i], "re");
        long long seconds = 0;
        if (f && fscanf(f, "%lld", &seconds) == 1 && seconds > 0 &&
            (least == 0 || seconds * MS_PER_S < least))
            least = seconds * MS_PER_S;
        if (f)
            fclose(f);
    }
    return least;
}

void fs_free(struct fs *fs)
{
    if (!fs)
        return;
    /* While the workers still serve: a notification may be waiting for a lock that a request holds.
     */
    if (fs->updater)
        updater_stop(fs->updater);
    bell_stop(fs->bell);
    if (fs->events)
        events_shutdown(fs->events);
    tsv_stop(fs->tsv);
    mount_undo(fs);
    if (fs->workers) {
        workers_stop(fs->workers);
        handles_close(fs);
    }
    if (fs->session)
        fuse_session_destroy(fs->session);
    updater_free(fs->updater);
    bell_free(fs->bell);
    if (fs->events)
        events_free(fs->events);
    tsv_free(fs->tsv);
    groups_free(fs->groups);
    stage_free(fs->stage);
    held_free(fs->held);
    workers_free(fs->workers);
    for (size_t i = 0; i < ARRAY_LEN(fs->meta); i++)
        buf_free(&fs->meta[i].text);
    mutex_destroy(&fs->meta_lock);
    free((char *)fs->config.mountpoint);
    free((char *)fs->config.source);
    free(fs);
}
