/* Writing JSON by hand into a buffer: the first failure sticks and is asked for once, at the end.
 */
#ifndef ICE_SIM_OUT_H
#define ICE_SIM_OUT_H

#include "base/attr.h"
#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>

struct sim_out {
    struct buf *buf;
    bool ascii;  /* strings leave as \uXXXX what is not ASCII; otherwise as UTF-8 */
    bool failed; /* an append failed (errno of buf_add); nothing was added since */
};

void sim_out_add(struct sim_out *o, const char *bytes, size_t n);
void sim_out_text(struct sim_out *o, const char *text);
void sim_out_format(struct sim_out *o, const char *fmt, ...) ICE_PRINTF(2, 3);

/* A quoted and escaped JSON string. Bytes that are not UTF-8 are passed on as they are. */
void sim_out_string(struct sim_out *o, const char *text, size_t n);

/* `"key":`, after a comma unless the object has just been opened. */
void sim_out_key(struct sim_out *o, const char *key);

/* `"key":"text"` in the same way. */
void sim_out_pair(struct sim_out *o, const char *key, const char *text);

/* 0, or -1 when something failed. */
int sim_out_end(const struct sim_out *o) ICE_MUST_CHECK;

#endif
