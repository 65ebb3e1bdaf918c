#include "base/log.h"
#include "base/clock.h"
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <syslog.h>

static atomic_int max_level = LOG_LEVEL_INFO;
static atomic_bool use_syslog;

static const struct {
    const char *name;
    int priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
    [LOG_LEVEL_WARN] = {"warning", LOG_WARNING},
    [LOG_LEVEL_INFO] = {"info", LOG_INFO},
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

void log_set_level(enum log_level max)
{
    atomic_store(&max_level, (int)max);
}

void log_to_syslog(bool on)
{
    if (on)
        openlog("icejobfs", LOG_PID, LOG_DAEMON);
    atomic_store(&use_syslog, on);
}

bool log_wants(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

static void write_stderr(enum log_level level, const char *text)
{
    char when[CLOCK_ISO_LEN];
    clock_iso(clock_real_ns() / NS_PER_S, when);
    /* One call, one write: lines of several threads do not mix. */
    fprintf(stderr, "%s icejobfs: %s: %s\n", when, levels[level].name, text);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if (!log_wants(level))
        return;
    int saved = errno;
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    if (atomic_load(&use_syslog))
        syslog(levels[level].priority, "%s", text);
    else
        write_stderr(level, text);
    errno = saved;
}
