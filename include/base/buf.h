/* Growing byte buffers with a ceiling given when they are made: a hostile reply costs the ceiling,
 * not the machine. Contents are always followed by a NUL that `len` does not count. Zeroed memory
 * with `max` set is a valid empty buffer. Functions return 0, or -1 with errno ENOMEM, or EFBIG
 * when the ceiling would be passed (the buffer is then unchanged). */
#ifndef ICE_BASE_BUF_H
#define ICE_BASE_BUF_H

#include "base/attr.h"
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data; /* NULL while empty */
    size_t len;
    size_t cap;
    size_t max;  /* most bytes that len may reach */
    bool secret; /* memory is wiped before it is given back, when the buffer grows too */
};

#define BUF_INIT(ceiling)        ((struct buf){.max = (ceiling)})
#define BUF_SECRET_INIT(ceiling) ((struct buf){.max = (ceiling), .secret = true})
#define CLEANUP_BUF              ICE_CLEANUP(buf_free)

int buf_add(struct buf *b, const void *bytes, size_t n) ICE_MUST_CHECK;
int buf_adds(struct buf *b, const char *text) ICE_MUST_CHECK;
int buf_addc(struct buf *b, char c) ICE_MUST_CHECK;
int buf_addf(struct buf *b, const char *fmt, ...) ICE_PRINTF(2, 3) ICE_MUST_CHECK;

/* Make room for `n` bytes more at once, where it is known how much will come. */
int buf_reserve(struct buf *b, size_t n) ICE_MUST_CHECK;

/* Contents as text; "" while empty. Borrowed. */
const char *buf_str(const struct buf *b);

/* Empty it and keep the memory; what a secret buffer held is wiped. */
void buf_reset(struct buf *b);

/* Give the contents to the caller, who frees them; the buffer is empty after. NULL only without
 * memory. */
char *buf_take(struct buf *b);

/* Free the memory; the buffer stays usable. buf_wipe wipes it before, as both do for secret
 * buffers; of a buffer that was not secret while it grew, copies may be left in the heap. */
void buf_free(struct buf *b);
void buf_wipe(struct buf *b);

#endif
