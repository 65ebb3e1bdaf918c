/* Numbers that never go back.
 *
 * They begin with the microseconds since 1970, so a restart goes on higher even without a file; or
 * with what the file says if that is more, for the clock may have been set back meanwhile. The file
 * holds a number that no line has had yet: it is written ahead of use. Below 2^53, as JSON's
 * readers want it.
 *
 * Not thread-safe. */
#ifndef ICE_FS_EVENTS_SEQUENCE_H
#define ICE_FS_EVENTS_SEQUENCE_H

#include "base/err.h"
#include <stdint.h>

struct events_sequence {
    char *file; /* NULL: none, or given up */
    uint64_t next;
    uint64_t reserved; /* the file allows what is below */
};

#define EVENTS_SEQUENCE_AHEAD ((uint64_t)1 << 20) /* numbers reserved with each write */
#define EVENTS_SEQUENCE_MAX   (((uint64_t)1 << 53) - 2 * EVENTS_SEQUENCE_AHEAD)

/* `file` may be NULL. 0, or -1 without memory: a file that cannot be read is logged and done
 * without. */
int events_sequence_init(struct events_sequence *s, const char *file, int64_t now_real_ns,
                         struct err *err);
void events_sequence_free(struct events_sequence *s);

/* The next number. May write the file; one that cannot be written is logged, once, and done
 * without. */
uint64_t events_sequence_next(struct events_sequence *s);

#endif
