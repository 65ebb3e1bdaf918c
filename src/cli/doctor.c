#include "cli/doctor.h"
#include "api/ice.h"
#include "base/log.h"
#include "base/secret.h"
#include "cli/finding.h"
#include "cli/options.h"
#include "cli/probe.h"
#include "cli/remote.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of the form of a job id, and none that was ever seen. */
#define NO_SUCH_JOB "00000000000000000000000000000000"

static bool report(struct finding f)
{
    struct buf line CLEANUP_BUF = BUF_INIT(2048);
    if (finding_print(&f, &line) < 0)
        return false;
    fputs(buf_str(&line), stdout);
    fflush(stdout);
    return f.grade != FINDING_FAIL;
}

static bool report_error(const struct err *err)
{
    struct finding f = {.grade = FINDING_FAIL};
    snprintf(f.what, sizeof f.what, "%.*s", (int)sizeof f.what - 1, err->text);
    return report(f);
}

static bool conf_allows(void)
{
    char text[8192];
    CLEANUP_FD int fd = open("/etc/fuse.conf", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    text[n < 0 ? 0 : n] = '\0';
    return finding_conf_allows(text);
}

static bool helper_found(void)
{
    return access("/usr/bin/fusermount3", X_OK) == 0 || access("/bin/fusermount3", X_OK) == 0 ||
           access("/usr/local/bin/fusermount3", X_OK) == 0;
}

static bool check_fuse(const struct options *o)
{
    bool root = geteuid() == 0;
    CLEANUP_FD int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    bool good = report(finding_device(fd < 0 ? errno : 0));
    good &= report(finding_helper(root, helper_found()));
    good &= report(finding_others(root, o->allow_other, conf_allows()));
    return good;
}

static bool check_keys(struct remote *r)
{
    struct err err = {""};
    if (creds_load(r->creds, REMOTE_CREDS_MS, &err) < 0)
        return report_error(&err);
    struct creds_keys *keys = creds_get(r->creds, &err);
    if (!keys)
        return report_error(&err);
    bool good = report(finding_keys(keys->key_id, keys->source));
    creds_keys_unref(keys);
    return good;
}

static bool check_service(struct remote *r, int64_t timeout_ms)
{
    struct err err = {""};
    struct probe get;
    struct probe list;
    if (probe_call(r->http, r->ice, NO_SUCH_JOB, timeout_ms, &get, &err) < 0)
        return report_error(&err);
    bool good = report(finding_endpoint(r->endpoint.url, &get));
    if (!good)
        return false;
    good = report(finding_clock(ice_clock_offset_s(r->ice)));
    /* A wrong clock has now been learnt: the second time it is the permission that answers. */
    if (get.class == API_CLOCK &&
        probe_call(r->http, r->ice, NO_SUCH_JOB, timeout_ms, &get, &err) < 0)
        return report_error(&err);
    good &= report(finding_get(&get));
    if (probe_call(r->http, r->ice, NULL, timeout_ms, &list, &err) < 0)
        return report_error(&err);
    return report(finding_list(&list)) && good;
}

static bool check_remote(const struct options *o)
{
    struct err err = {""};
    struct remote r;
    if (remote_resolve(&r, o, &err) < 0)
        return report_error(&err);
    bool good = remote_open(&r, o, &err) == 0 || report_error(&err);
    good = good && check_keys(&r) && check_service(&r, o->timeout_ms);
    remote_close(&r);
    return good;
}

int doctor_run(const struct options *o)
{
    secret_harden_process();
    if (!o->debug)
        log_set_level(LOG_LEVEL_WARN); /* what the log would tell is among the findings */
    bool good = check_fuse(o);
    good &= check_remote(o);
    return good ? 0 : 1;
}
