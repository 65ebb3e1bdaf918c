#include "cli/finding.h"
#include "cli/mountcheck.h"
#include "cli/probe.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOCK_WARN_S 60
#define CLOCK_FAIL_S 900 /* the service refuses requests from here on */

static ICE_PRINTF(3, 4) struct finding
    make(enum finding_grade grade, const char *fix, const char *fmt, ...)
{
    struct finding f = {.grade = grade};
    va_list args;
    va_start(args, fmt);
    vsnprintf(f.what, sizeof f.what, fmt, args);
    va_end(args);
    snprintf(f.fix, sizeof f.fix, "%s", fix);
    return f;
}

int finding_print(const struct finding *f, struct buf *out)
{
    static const char *const grades[] = {"ok  ", "warn", "FAIL"};
    if (buf_addf(out, "%s  %s", grades[f->grade], f->what) < 0)
        return -1;
    return *f->fix ? buf_addf(out, " - %s\n", f->fix) : buf_addc(out, '\n');
}

struct finding finding_device(int error)
{
    switch (error) {
    case 0:
        return make(FINDING_OK, "", "/dev/fuse can be opened");
    case ENOENT:
        return make(FINDING_FAIL, "load the module (modprobe fuse); give a container the device",
                    "there is no /dev/fuse");
    case ENODEV:
    case ENXIO:
        return make(FINDING_FAIL, "load the module (modprobe fuse)",
                    "/dev/fuse is there, but not the kernel's FUSE");
    case EACCES:
    case EPERM:
        return make(FINDING_FAIL,
                    "chmod 0666 /dev/fuse, as udev does; a container must be allowed the device",
                    "/dev/fuse may not be opened (%s)", strerror(error));
    default:
        return make(FINDING_FAIL, "see the kernel's log (dmesg)", "/dev/fuse: %s", strerror(error));
    }
}

struct finding finding_helper(bool root, bool found)
{
    if (found)
        return make(FINDING_OK, "", "fusermount3 is there");
    return make(root ? FINDING_WARN : FINDING_FAIL, "install the package fuse3",
                root ? "fusermount3 is missing (root needs it where the kernel is old)"
                     : "fusermount3 is missing: only root can mount");
}

struct finding finding_others(bool root, bool wanted, bool conf_allows)
{
    if (!wanted)
        return make(FINDING_OK, "", "only the user who mounts sees the mount");
    if (root || conf_allows)
        return make(FINDING_OK, "", "other users may see the mount (allow_other)");
    return make(FINDING_FAIL, "add the line user_allow_other to /etc/fuse.conf",
                "allow_other is not allowed to ordinary users");
}

bool finding_conf_allows(const char *conf)
{
    static const char word[] = "user_allow_other";
    for (const char *line = conf; *line;) {
        line += strspn(line, " \t\r\n");
        size_t n = strcspn(line, "\n");
        if (strncmp(line, word, sizeof word - 1) == 0 &&
            strspn(line + sizeof word - 1, " \t\r") == n - (sizeof word - 1))
            return true;
        line += n;
    }
    return false;
}

struct finding finding_keys(const char *key_id, const char *source)
{
    return make(FINDING_OK, "", "credentials: key %.4s**** from %s", key_id, source);
}

static struct finding from_probe(enum finding_grade grade, const struct probe *p)
{
    struct mountcheck m = mountcheck_decide(p);
    struct err line = {""};
    if (m.verdict == MOUNTCHECK_FINE)
        return make(grade, "", "%s", p->error.text);
    mountcheck_line(&m, p, &line);
    char *fix = strstr(line.text, m.fix);
    if (fix && fix - line.text >= 2)
        fix[-2] = '\0';
    return make(grade, m.fix, "%s", line.text);
}

struct finding finding_endpoint(const char *url, const struct probe *p)
{
    if (p->net != API_NET_NONE || p->class == API_BROKEN)
        return from_probe(FINDING_FAIL, p);
    return make(FINDING_OK, "", "%s answers (%s, %lld ms)", url,
                strncmp(url, "https:", 6) == 0 ? "TLS verified" : "plain http",
                (long long)p->took_ms);
}

struct finding finding_clock(int64_t offset_s)
{
    long long off = llabs((long long)offset_s);
    if (off < CLOCK_WARN_S)
        return make(FINDING_OK, "", "the clock agrees with the service's");
    return make(off < CLOCK_FAIL_S ? FINDING_WARN : FINDING_FAIL,
                "set the clock (timedatectl set-ntp true)", "the clock is %lld s %s", off,
                offset_s > 0 ? "slow" : "fast");
}

struct finding finding_get(const struct probe *p)
{
    if (p->class == API_OK || p->class == API_NOT_FOUND)
        return make(FINDING_OK, "", "reading jobs is allowed (ice:GetMediaProducingJob)");
    if (p->class == API_DENIED && p->net == API_NET_NONE && *p->code)
        return make(FINDING_FAIL, "allow the action ice:GetMediaProducingJob in a RAM policy",
                    "reading jobs is not allowed (%s)", p->code);
    return from_probe(FINDING_FAIL, p);
}

struct finding finding_list(const struct probe *p)
{
    if (p->class == API_OK)
        return make(FINDING_OK, "", "listing jobs is allowed (ice:ListMediaProducingJobs)");
    if (p->class == API_DENIED && p->net == API_NET_NONE && *p->code)
        return make(FINDING_WARN,
                    "allow the action ice:ListMediaProducingJobs in a RAM policy, so that jobs "
                    "can be listed",
                    "listing jobs is not allowed (%s)", p->code);
    return from_probe(p->class == API_CREDENTIALS ? FINDING_FAIL : FINDING_WARN, p);
}
