/* Secrets: wiped before they are freed, kept out of core dumps where the kernel can, never logged.
 */
#ifndef ICE_BASE_SECRET_H
#define ICE_BASE_SECRET_H

#include <stddef.h>

/* Overwrite in a way that the compiler does not remove. */
void secret_wipe(void *p, size_t n);

/* Wipe a NUL-terminated text and free it. NULL is nothing. */
void secret_free(char *text);

/* For ICE_CLEANUP. */
void secret_cleanup(char **text);

/* No core dumps and no ptrace by other processes of the same user (prctl PR_SET_DUMPABLE 0,
 * RLIMIT_CORE 0). */
void secret_harden_process(void);

#endif
