#include "base/clock.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t clock_mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * MS_PER_S + t.tv_nsec / NS_PER_MS;
}

int64_t clock_real_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

void clock_iso(int64_t unix_s, char out[CLOCK_ISO_LEN])
{
    time_t t = (time_t)unix_s;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || strftime(out, CLOCK_ISO_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        memcpy(out, "1970-01-01T00:00:00Z", CLOCK_ISO_LEN);
}

/* Nanoseconds of an optional fraction at *text, which is moved behind it. -1 when it is malformed.
 */
static int64_t parse_fraction(const char **text)
{
    if (**text != '.')
        return 0;
    int64_t ns = 0, unit = NS_PER_S / 10;
    const char *p = *text + 1;
    if (*p < '0' || *p > '9')
        return -1;
    for (; *p >= '0' && *p <= '9'; p++, unit /= 10)
        ns += (*p - '0') * unit;
    *text = p;
    return ns;
}

int clock_parse_iso(const char *text, int64_t *ns)
{
    struct tm tm = {0};
    /* strptime takes one-digit fields and leading blanks; the service writes none. */
    if (strlen(text) < 20 || text[0] < '0' || text[0] > '9')
        return -1;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest || rest != text + 19)
        return -1;
    int64_t fraction = parse_fraction(&rest);
    if (fraction < 0 || strcmp(rest, "Z") != 0)
        return -1;
    int64_t whole; /* nanoseconds end in the year 2262 */
    if (__builtin_mul_overflow((int64_t)timegm(&tm), NS_PER_S, &whole) ||
        __builtin_add_overflow(whole, fraction, ns))
        return -1;
    return 0;
}

int clock_parse_http_date(const char *text, int64_t *unix_s)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (!rest || *rest)
        return -1;
    *unix_s = (int64_t)timegm(&tm);
    return 0;
}
