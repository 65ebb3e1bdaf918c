#include "fs/events_line.h"
#include "base/clock.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 256
#define ESCAPED  6  /* bytes that one may become */
#define TAIL_MAX 64 /* what closes the line */

static const char *kind_name(enum event_kind kind)
{
    switch (kind) {
    case EVENT_CREATED:
        return "created";
    case EVENT_CHANGED:
        return "changed";
    case EVENT_REMOVED:
        return "removed";
    }
    return "changed";
}

/* At most TEXT_MAX bytes, no character cut through. */
static size_t clip(const char *text)
{
    size_t n = strnlen(text, TEXT_MAX + 1);
    if (n <= TEXT_MAX)
        return n;
    n = TEXT_MAX;
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
}

static int add_escaped(struct buf *out, unsigned char c)
{
    return c == '"' || c == '\\' ? buf_addf(out, "\\%c", c) : buf_addf(out, "\\u%04x", c);
}

/* The text has been found to be UTF-8 when its reply was read; it passes as it is. */
static int add_string(struct buf *out, const char *text)
{
    const char *end = text + clip(text);
    if (buf_addc(out, '"') < 0)
        return -1;
    while (text < end) {
        const char *run = text;
        while (text < end && is_plain((unsigned char)*text))
            text++;
        if (buf_add(out, run, (size_t)(text - run)) < 0 ||
            (text < end && add_escaped(out, (unsigned char)*text++) < 0))
            return -1;
    }
    return buf_addc(out, '"');
}

static int add_member(struct buf *out, const char *key, const char *text)
{
    if (buf_addf(out, ",\"%s\":", key) < 0)
        return -1;
    return text ? add_string(out, text) : buf_adds(out, "null");
}

/* As many names as are sure to fit; returns how many, -1 without memory. */
static long add_names(struct buf *out, const struct event *event)
{
    size_t i = 0;
    for (; i < event->n_changes; i++) {
        const char *name = event->changes[i].name;
        if (out->len + ESCAPED * clip(name) + TAIL_MAX > EVENTS_LINE_MAX)
            break;
        if ((i > 0 && buf_addc(out, ',') < 0) || add_string(out, name) < 0)
            return -1;
    }
    return (long)i;
}

int events_line_change(struct buf *out, uint64_t seq, const struct event *event)
{
    char when[CLOCK_ISO_LEN];
    clock_iso(event->time_ns / NS_PER_S, when);
    if (buf_addf(out, "{\"seq\":%" PRIu64 ",\"time\":\"%s\"", seq, when) < 0 ||
        add_member(out, "job", event->job) < 0 ||
        add_member(out, "event", kind_name(event->kind)) < 0 ||
        add_member(out, "status", event->status) < 0 || add_member(out, "was", event->was) < 0 ||
        buf_adds(out, ",\"fields\":[") < 0)
        return -1;
    long named = add_names(out, event);
    if (named < 0 || buf_addc(out, ']') < 0)
        return -1;
    size_t more = event->n_changes - (size_t)named;
    if (more > 0 && buf_addf(out, ",\"more\":%zu", more) < 0)
        return -1;
    return buf_adds(out, "}\n");
}

size_t events_line_heartbeat(char out[EVENTS_HEARTBEAT_MAX], uint64_t last_seq, int64_t time_ns)
{
    char when[CLOCK_ISO_LEN];
    clock_iso(time_ns / NS_PER_S, when);
    int n =
        snprintf(out, EVENTS_HEARTBEAT_MAX,
                 "{\"seq\":%" PRIu64 ",\"time\":\"%s\",\"event\":\"heartbeat\"}\n", last_seq, when);
    return (size_t)n;
}
