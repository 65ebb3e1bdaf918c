#include "sim/out.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void sim_out_add(struct sim_out *o, const char *bytes, size_t n)
{
    if (!o->failed && buf_add(o->buf, bytes, n) < 0)
        o->failed = true;
}

void sim_out_text(struct sim_out *o, const char *text)
{
    sim_out_add(o, text, strlen(text));
}

/* For short pieces: numbers and names. */
void sim_out_format(struct sim_out *o, const char *fmt, ...)
{
    char piece[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(piece, sizeof(piece), fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(piece))
        o->failed = true;
    else
        sim_out_add(o, piece, (size_t)n);
}

static void escape_control(struct sim_out *o, unsigned char c)
{
    switch (c) {
    case '"':
        sim_out_add(o, "\\\"", 2);
        return;
    case '\\':
        sim_out_add(o, "\\\\", 2);
        return;
    case '\n':
        sim_out_add(o, "\\n", 2);
        return;
    case '\t':
        sim_out_add(o, "\\t", 2);
        return;
    default:
        sim_out_format(o, "\\u%04x", c);
    }
}

/* One UTF-8 sequence: its length, 0 if it is none. */
static size_t decode(const unsigned char *s, size_t n, uint32_t *point)
{
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 0;
    if (len == 0 || len > n)
        return 0;
    *point = s[0] & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *point = *point << 6 | (s[i] & 0x3fU);
    }
    return len;
}

static void escape_point(struct sim_out *o, uint32_t point)
{
    if (point < 0x10000) {
        sim_out_format(o, "\\u%04x", point);
        return;
    }
    point -= 0x10000;
    sim_out_format(o, "\\u%04x\\u%04x", 0xd800 + (point >> 10), 0xdc00 + (point & 0x3ff));
}

static bool plain(const struct sim_out *o, unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\' && (c < 0x80 || !o->ascii);
}

/* What cannot stand plainly at s; returns how many bytes that were. */
static size_t escape(struct sim_out *o, const unsigned char *s, size_t n)
{
    if (s[0] < 0x80) {
        escape_control(o, s[0]);
        return 1;
    }
    uint32_t point;
    size_t len = decode(s, n, &point);
    if (len == 0) {
        sim_out_add(o, (const char *)s, 1);
        return 1;
    }
    escape_point(o, point);
    return len;
}

void sim_out_string(struct sim_out *o, const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    sim_out_add(o, "\"", 1);
    for (size_t at = 0; at < n && !o->failed;) {
        size_t end = at;
        while (end < n && plain(o, s[end]))
            end++;
        sim_out_add(o, text + at, end - at);
        at = end < n ? end + escape(o, s + end, n - end) : end;
    }
    sim_out_add(o, "\"", 1);
}

void sim_out_key(struct sim_out *o, const char *key)
{
    if (o->buf->len > 0 && o->buf->data[o->buf->len - 1] != '{')
        sim_out_add(o, ",", 1);
    sim_out_string(o, key, strlen(key));
    sim_out_add(o, ":", 1);
}

void sim_out_pair(struct sim_out *o, const char *key, const char *text)
{
    sim_out_key(o, key);
    sim_out_string(o, text, strlen(text));
}

int sim_out_end(const struct sim_out *o)
{
    return o->failed ? -1 : 0;
}
