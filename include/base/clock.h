/* Clocks and the service's time format. Policies never call these: they take `now` as an argument.
 */
#ifndef ICE_BASE_CLOCK_H
#define ICE_BASE_CLOCK_H

#include "base/attr.h"
#include <stdint.h>

#define MS_PER_S  INT64_C(1000)
#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* CLOCK_MONOTONIC in milliseconds. */
int64_t clock_mono_ms(void);

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t clock_mono_ns(void);

/* CLOCK_REALTIME in nanoseconds since 1970. */
int64_t clock_real_ns(void);

/* The earlier and the later of two times, the shorter and the longer of two spans. */
static inline int64_t time_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t time_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#define CLOCK_ISO_LEN 21 /* "2020-12-23T13:33:40Z" with the NUL */

/* Seconds since 1970 as `yyyy-MM-ddTHH:mm:ssZ` (the service's format, UTC); the start of 1970 for
 * years that have not four digits. */
void clock_iso(int64_t unix_s, char out[CLOCK_ISO_LEN]);

/* Parse `yyyy-MM-ddTHH:mm:ss[.fraction]Z` to nanoseconds since 1970. 0, or -1 when it is not such a
 * time or outside of what nanoseconds can tell (1677 to 2262); *ns is then unchanged. */
int clock_parse_iso(const char *text, int64_t *ns) ICE_MUST_CHECK;

/* Parse an HTTP date (RFC 9110, `Sun, 06 Nov 1994 08:49:37 GMT`) to seconds since 1970. 0 or -1. */
int clock_parse_http_date(const char *text, int64_t *unix_s) ICE_MUST_CHECK;

#endif
