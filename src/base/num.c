#include "base/num.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int num_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    if (*text < '0' || *text > '9')
        return -1;
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (errno || *end || v < min || v > max)
        return -1;
    *out = v;
    return 0;
}

/* Decimal digits with at most one point, no exponent, no locale. The rest of the text is at *rest.
 */
static int parse_decimal(const char *text, double *out, const char **rest)
{
    double v = 0, unit = 1;
    const char *p = text;
    if (*p < '0' || *p > '9')
        return -1;
    for (; *p >= '0' && *p <= '9'; p++)
        v = v * 10 + (*p - '0');
    if (*p == '.') {
        if (p[1] < '0' || p[1] > '9')
            return -1;
        for (p++; *p >= '0' && *p <= '9'; p++)
            v += (*p - '0') * (unit /= 10);
    }
    *out = v;
    *rest = p;
    return 0;
}

int num_parse_duration(const char *text, int64_t *ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"", 1e3}, {"s", 1e3}, {"ms", 1}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}};
    const double most = 100 * 365.25 * 86400e3;
    const char *rest;
    double v;
    if (parse_decimal(text, &v, &rest) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(rest, units[i].unit) != 0)
            continue;
        if (v * units[i].ms > most)
            return -1;
        *ms = (int64_t)(v * units[i].ms + 0.5);
        return 0;
    }
    return -1;
}

int num_parse_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    size_t n = strlen(text);
    char digits[24];
    unsigned shift = 0;
    if (n == 0 || n >= sizeof digits)
        return -1;
    const char *u = strchr(units, text[n - 1]);
    if (u) {
        shift = 10 * (unsigned)(u - units + 1);
        n--;
    }
    memcpy(digits, text, n);
    digits[n] = '\0';
    if (num_parse_u64(digits, 0, UINT64_MAX >> shift, bytes) < 0)
        return -1;
    *bytes <<= shift;
    return 0;
}

int num_parse_mode(const char *text, uint32_t *mode)
{
    size_t n = strlen(text);
    if (n == 0 || n > 4 || strspn(text, "01234567") != n)
        return -1;
    unsigned long v = strtoul(text, NULL, 8);
    if (v > 0777)
        return -1;
    *mode = (uint32_t)v;
    return 0;
}

void num_format_double(double value, char out[NUM_DOUBLE_LEN])
{
    /* %.0f reads better than 1e+02 for the whole numbers that a double holds exactly. */
    if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value) {
        snprintf(out, NUM_DOUBLE_LEN, "%" PRId64, (int64_t)value);
        return;
    }
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(out, NUM_DOUBLE_LEN, "%.*g", precision, value);
        if (strtod(out, NULL) == value)
            return;
    }
}
