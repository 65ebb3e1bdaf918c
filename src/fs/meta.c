/* The files of .icejobfs: how the daemon can be asked how it is, without a debugger. */
#include "base/clock.h"
#include "base/metric.h"
#include "base/thread.h"
#include "cache/keeper.h"
#include "fs/fs_private.h"
#include "live/live.h"
#include "version.h"
#include <inttypes.h>

static const char help[] =
    "This is icejobfs: the media producing jobs of Alibaba Cloud ICE as files, read-only.\n"
    "\n"
    "  jobs/<JobId>/status             Init, Queuing, Processing, Success or Failed\n"
    "  jobs/<JobId>/progress           0 to 100\n"
    "  jobs/<JobId>/media_url          where the output is, once there is one\n"
    "  jobs/<JobId>/code, message      why it failed\n"
    "  jobs/<JobId>/job.json           the service's whole reply\n"
    "  jobs/<JobId>/...                one file for each field of the reply; empty fields have "
    "none\n"
    "  jobs.tsv                        a line for each job, with the names of its columns before "
    "them\n"
    "  events.log                      the changes, one JSON object a line: tail -f\n"
    "  events                          the same as a stream: cat, poll; opened by name, not "
    "listed\n"
    "  .icejobfs/metrics               counters, OpenMetrics text\n"
    "  .icejobfs/health.json           how the service and the store are, and the last error\n"
    "\n"
    "Links to each job, which move when it changes:\n"
    "\n"
    "  by-status/<Status>/<JobId>      the five folders are always there\n"
    "  by-project/<ProjectId>/<JobId>  projects that have jobs\n"
    "  by-date/<YYYY-MM-DD>/<JobId>    the day on which it was created (UTC)\n"
    "\n"
    "A job is known from the moment it is named: look at jobs/<JobId>, and it is there. Others "
    "are\n"
    "found by themselves (option discover). Until it ends a job is kept current, and each change "
    "is\n"
    "told to whoever watches:\n"
    "\n"
    "  inotifywait -m -e create,moved_to by-status/Success\n"
    "  inotifywait -m -e create jobs             jobs that were found\n"
    "  icejobfs wait jobs/<JobId>                until it has ended\n"
    "  column -t -s \"$(printf '\\t')\" jobs.tsv\n"
    "\n"
    "In jobs.tsv a tab reads \\t, a line feed \\n, a carriage return \\r and a backslash \\\\.\n"
    "\n"
    "How old is it?  getfattr -d -m user.ice jobs/<JobId>/status\n"
    "\n"
    "  user.ice.fetched_at   when the service last confirmed it\n"
    "  user.ice.age_ms       how long ago that was\n"
    "  user.ice.stale        1: it is older than it should be, or the last attempt failed\n"
    "  user.ice.gone         1: the service has forgotten the job; what was known stays\n"
    "  user.ice.request_id   of the call that brought it\n"
    "  user.ice.error        of the last attempt, if that failed\n";

/* A JSON string of text that may hold anything. */
static int add_json_string(struct buf *out, const char *text)
{
    int rc = buf_addc(out, '"');
    for (; rc == 0 && *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            rc = buf_addf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            rc = buf_addf(out, "\\u%04x", c);
        else
            rc = buf_addc(out, (char)c);
    }
    return rc < 0 ? -1 : buf_addc(out, '"');
}

static int add_time(struct buf *out, const char *key, int64_t real_ns)
{
    char when[CLOCK_ISO_LEN];
    if (real_ns == 0)
        return buf_addf(out, "  \"%s\": null,\n", key);
    clock_iso(real_ns / NS_PER_S, when);
    return buf_addf(out, "  \"%s\": \"%s\",\n", key, when);
}

/* Whether the pace of `refresh` is kept. */
static int add_refresh(struct buf *out, const struct live_health *h)
{
    return buf_addf(out,
                    "  \"behind\": %s,\n  \"lag_ms\": %" PRId64 ",\n  \"round_ms\": %" PRId64 ",\n",
                    h->behind ? "true" : "false", h->lag_ms, h->round_ms);
}

/* How far discovery has come. */
static int add_discovery(struct buf *out, const struct live_health *h)
{
    if (buf_addf(out,
                 "  \"discovering\": %s,\n  \"discovered\": %" PRIu64 ",\n"
                 "  \"discovery_pages\": %" PRIu64 ",\n  \"details_due\": %zu,\n"
                 "  \"lists_refused\": %s,\n",
                 h->discovering ? "true" : "false", h->discovered, h->pages, h->details_due,
                 h->lists_refused ? "true" : "false") < 0)
        return -1;
    return h->discovered_s < 0
               ? buf_adds(out, "  \"discovered_seconds_back\": null,\n")
               : buf_addf(out, "  \"discovered_seconds_back\": %" PRId64 ",\n", h->discovered_s);
}

static int add_service(struct fs *fs, struct buf *out)
{
    struct live_health h = {0};
    live_health(fs->config.live, &h);
    if (buf_addf(out, "  \"service\": \"%s\",\n", h.service_down ? "down" : "up") < 0 ||
        add_time(out, "last_success", h.last_success_real_ns) < 0 ||
        buf_addf(
            out,
            "  \"calls_per_second\": %.3g,\n  \"calls_under_way\": %u,\n  \"calls_waiting\": %u,\n",
            h.pace, h.inflight, h.waiting) < 0 ||
        add_refresh(out, &h) < 0 || add_discovery(out, &h) < 0 ||
        buf_adds(out, "  \"last_error\": ") < 0 || add_json_string(out, h.last_error) < 0)
        return -1;
    return buf_adds(out, ",\n");
}

/* What is kept, and what is not kept yet. */
static int add_store(struct fs *fs, struct buf *out)
{
    struct keeper_health h = {0};
    if (fs->config.keeper)
        keeper_health(fs->config.keeper, &h);
    if (buf_addf(out, "  \"store\": \"%s\",\n  \"store_error\": ",
                 h.kept ? store_trouble_name(h.trouble) : "none") < 0 ||
        add_json_string(out, h.error) < 0)
        return -1;
    if (buf_addf(out, ",\n  \"unsaved\": %" PRIu64 ",\n", h.unsaved) < 0)
        return -1;
    return add_time(out, "saved", h.saved_real_ns);
}

static int render_health(struct fs *fs, struct buf *out)
{
    if (buf_addf(out, "{\n  \"version\": \"%s\",\n  \"source\": ", ICEJOBFS_VERSION) < 0 ||
        add_json_string(out, fs->config.source) < 0 ||
        buf_addf(out, ",\n  \"mode\": \"%s\",\n", fs->system_mode ? "system" : "user") < 0 ||
        add_time(out, "mounted", fs->born_ns) < 0)
        return -1;
    if ((fs->config.live && add_service(fs, out) < 0) || add_store(fs, out) < 0)
        return -1;
    return buf_addf(out, "  \"jobs\": %" PRId64 ",\n  \"jobs_unfinished\": %" PRId64 "\n}\n",
                    metric_get(METRIC_JOBS), metric_get(METRIC_JOBS_UNFINISHED));
}

int meta_recent(struct fs *fs, enum fixed_node node, struct buf *out, int64_t *when_ns)
{
    struct meta_text *text = &fs->meta[node - NODE_METRICS];
    int64_t now_ns = clock_real_ns();
    LOCK_SCOPE(&fs->meta_lock);
    if (now_ns - text->when_ns > NS_PER_S || now_ns < text->when_ns) {
        buf_reset(&text->text);
        text->text.max = META_MAX;
        if (meta_render(fs, node, &text->text) < 0)
            return -1;
        text->when_ns = now_ns;
    }
    *when_ns = text->when_ns;
    return buf_add(out, buf_str(&text->text), text->text.len);
}

int meta_render(struct fs *fs, enum fixed_node node, struct buf *out)
{
    if (node == NODE_METRICS)
        return metric_render(out);
    if (node == NODE_HEALTH)
        return render_health(fs, out);
    return buf_adds(out, help);
}
