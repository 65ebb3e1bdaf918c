#include "base/clock.h"
#include <stdbool.h>
#include <string.h>
#include <time.h>

int64_t clock_mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * MS_PER_S + t.tv_nsec / NS_PER_MS;
}

int64_t clock_mono_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
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
    /* Years of more or fewer than four digits are nobody's; the format has no room for them. */
    if (!gmtime_r(&t, &tm) ||
        strftime(out, CLOCK_ISO_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm) != CLOCK_ISO_LEN - 1)
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

/* Seconds since 1970. -1 for what no calendar has, such as the 31st of February, which timegm would
 * take for the 2nd or 3rd of March. */
static int to_unix(const struct tm *tm, int64_t *unix_s)
{
    struct tm same = *tm;
    *unix_s = (int64_t)timegm(&same);
    return same.tm_mday == tm->tm_mday && same.tm_hour == tm->tm_hour &&
                   same.tm_min == tm->tm_min && same.tm_sec == tm->tm_sec
               ? 0
               : -1;
}

/* Digits where the pattern has a 0, the very character elsewhere. strptime takes blanks and
 * one-digit fields too, which the service does not write. */
static bool has_shape(const char *text, const char *pattern)
{
    for (; *pattern; text++, pattern++)
        if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern)
            return false;
    return true;
}

int clock_parse_iso(const char *text, int64_t *ns)
{
    struct tm tm = {0};
    int64_t unix_s;
    if (!has_shape(text, "0000-00-00T00:00:00"))
        return -1;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest || to_unix(&tm, &unix_s) < 0)
        return -1;
    int64_t fraction = parse_fraction(&rest);
    if (fraction < 0 || strcmp(rest, "Z") != 0)
        return -1;
    /* Nanoseconds reach from 1677 to 2262. */
    if (unix_s <= INT64_MIN / NS_PER_S || unix_s >= INT64_MAX / NS_PER_S)
        return -1;
    *ns = unix_s * NS_PER_S + fraction;
    return 0;
}

int clock_parse_http_date(const char *text, int64_t *unix_s)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (!rest || *rest)
        return -1;
    int64_t parsed;
    if (to_unix(&tm, &parsed) < 0)
        return -1;
    *unix_s = parsed;
    return 0;
}
