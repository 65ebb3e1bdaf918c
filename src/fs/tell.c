#include "fs/tell.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "fs/bell.h"
#include "fs/fs_private.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A watcher's queue holds 16,384 events, and an operation makes at most three for each who watches
 * it: a burst is spread so that one who empties its queue once a second is not overrun by us alone.
 */
#define PACE_SLOT_MS  100
#define PACE_PER_SLOT 400

static void keep_pace(struct fs *fs)
{
    int64_t now_ms = clock_mono_ms();
    if (now_ms - fs->pace_begin_ms >= PACE_SLOT_MS) {
        fs->pace_begin_ms = now_ms;
        fs->pace_count = 0;
    }
    if (++fs->pace_count <= PACE_PER_SLOT)
        return;
    int64_t rest_ms = fs->pace_begin_ms + PACE_SLOT_MS - now_ms;
    nanosleep(&(struct timespec){.tv_nsec = rest_ms * NS_PER_MS}, NULL);
    fs->pace_begin_ms = now_ms + rest_ms;
    fs->pace_count = 1;
}

bool tell(struct fs *fs, enum notify_op op, const char *path, const char *other)
{
    if (!fs->bell)
        return false;
    keep_pace(fs);
    int error = bell_do(fs->bell, op, path, other);
    metric_add(error ? METRIC_FS_NOT_NOTIFIED : METRIC_FS_NOTIFIED, 1);
    if (error)
        log_debug("notifying failed path=%s error=%s", path, strerror(error));
    return error == 0;
}

struct tell_path tell_path(const char *dir, const char *name, const char *leaf)
{
    struct tell_path p;
    snprintf(p.text, sizeof p.text, "%s/%s%s%s", dir, name, leaf ? "/" : "", leaf ? leaf : "");
    return p;
}
