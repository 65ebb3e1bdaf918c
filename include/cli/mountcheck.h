/* What the first answer of the service means for a mount: whether to refuse, and what to tell the
 * user. Pure. A definite word refuses (wrong secret, wrong host), what may pass only warns. */
#ifndef ICE_CLI_MOUNTCHECK_H
#define ICE_CLI_MOUNTCHECK_H

#include "base/err.h"

struct probe;

enum mountcheck_verdict { MOUNTCHECK_FINE, MOUNTCHECK_WARN, MOUNTCHECK_REFUSE };

struct mountcheck {
    enum mountcheck_verdict verdict;
    const char *what; /* NULL when fine */
    const char *fix;
};

struct mountcheck mountcheck_decide(const struct probe *p);

/* "WHAT (detail): FIX" in one line; the detail is the service's code and request id, or the
 * network's own words. Never a secret. Not for a fine one. */
void mountcheck_line(const struct mountcheck *m, const struct probe *p, struct err *out);

#endif
