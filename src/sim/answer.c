#include "sim/answer.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What ends a huge body. */
static const char tail[] = "\"}}";
#define TAIL_LEN (sizeof(tail) - 1)

size_t sim_answer_length(const struct sim_reply *r)
{
    size_t len = r->body.len;
    if (r->wire == SIM_WIRE_HUGE)
        return r->total > len + TAIL_LEN ? r->total : len + TAIL_LEN;
    return r->wire == SIM_WIRE_CUT && r->part >= len ? r->part + 1 : len;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t copy(const char *from, size_t len, size_t pos, char *out, size_t max)
{
    size_t n = smaller(len - pos, max);
    memcpy(out, from + pos, n);
    return n;
}

size_t sim_answer_piece(const struct sim_reply *r, size_t pos, char *out, size_t max)
{
    size_t len = r->body.len;
    if (r->wire == SIM_WIRE_CUT)
        len = smaller(len, r->part);
    if (r->wire == SIM_WIRE_SLOW)
        max = smaller(max, r->part > 0 ? r->part : 1);
    if (pos < len)
        return copy(r->body.data, len, pos, out, max);
    if (r->wire != SIM_WIRE_HUGE)
        return 0;
    size_t fill_end = sim_answer_length(r) - TAIL_LEN;
    if (pos >= fill_end)
        return copy(tail, TAIL_LEN, pos - fill_end, out, max);
    size_t n = smaller(fill_end - pos, max);
    memset(out, 'A', n);
    return n;
}

void sim_answer_date(int64_t unix_s, char out[SIM_DATE_LEN])
{
    /* Not strftime: its names follow the locale. */
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t t = (time_t)unix_s;
    struct tm tm = {0};
    gmtime_r(&t, &tm);
    snprintf(out, SIM_DATE_LEN, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
             months[tm.tm_mon], (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
}
