/* Compiler attributes and scope-bound cleanup.
 *
 * A resource held for a scope is released by the scope: CLEANUP_FREE char *p = NULL;
 * handing it out empties the local: return MOVE_PTR(p). */
#ifndef ICE_BASE_ATTR_H
#define ICE_BASE_ATTR_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ICE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ICE_MUST_CHECK        __attribute__((warn_unused_result))
#define ICE_UNUSED            __attribute__((unused))
#define ICE_CLEANUP(fn)       __attribute__((cleanup(fn)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Free a malloc'ed pointer and keep errno. `p` is the address of the pointer. */
static inline void ice_cleanup_free(void *p)
{
    free(*(void **)p);
}

/* Close a file descriptor that is not -1. */
void ice_cleanup_fd(int *fd);

#define CLEANUP_FREE ICE_CLEANUP(ice_cleanup_free)
#define CLEANUP_FD   ICE_CLEANUP(ice_cleanup_fd)

/* Empty the local and give its value to the caller. */
#define MOVE_PTR(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) move_tmp_ = (p);                                                             \
        (p) = NULL;                                                                                \
        move_tmp_;                                                                                 \
    })
#define MOVE_FD(fd)                                                                                \
    ({                                                                                             \
        int move_tmp_ = (fd);                                                                      \
        (fd) = -1;                                                                                 \
        move_tmp_;                                                                                 \
    })

#endif
