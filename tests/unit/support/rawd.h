/* A server that says given bytes, whatever was asked: for answers that no proper HTTP server gives.
 *
 * It serves one connection after the other: reads to the end of the header lines (or the
 * begin of a TLS hello), plays its steps, closes. */
#ifndef TEST_RAWD_H
#define TEST_RAWD_H

#include <stddef.h>

struct raw_step {
    const char *bytes; /* a text; must live as long as the server */
    int pause_ms;      /* after the bytes; ends early when the server is stopped */
};

struct rawd;

/* On a free port of 127.0.0.1, or on a Unix socket at `unix_path` (removed by rawd_stop). Fails the
 * test on error. */
struct rawd *rawd_start(const struct raw_step *steps, size_t n, const char *unix_path);
const char *rawd_url(const struct rawd *r); /* "http://127.0.0.1:PORT", "http://localhost" */
void rawd_stop(struct rawd *r);

#endif
