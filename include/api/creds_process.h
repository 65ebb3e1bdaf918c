/* Private to credentials: run a command of the user's and read what it prints. */
#ifndef ICE_API_CREDS_PROCESS_H
#define ICE_API_CREDS_PROCESS_H

#include "base/buf.h"
#include "base/err.h"
#include <stdatomic.h>
#include <stdint.h>

/* Words of a command line: blanks part them, '...' "..." and \ quote as in a shell; nothing is
 * expanded. */
struct creds_words {
    char **at; /* ends in NULL */
    size_t n;
};

/* 0 or -1: no word, an open quote, too many words. Free in either case (wipes). */
int creds_words_split(const char *text, struct creds_words *out, struct err *err);
void creds_words_free(struct creds_words *w);

/* Run argv[0], found by PATH, without a shell, in a process group of its own: stdin and stderr
 * null, signals as by default. Its output goes to `out` (whose ceiling applies; the caller wipes).
 * At the end, at the deadline, past the ceiling or when *stop is set the whole group is killed. 0:
 * it ended with status 0. -1: `err` names argv[0] alone, arguments may be secret. */
int creds_process_run(char *const argv[], int64_t timeout_ms, const atomic_bool *stop,
                      struct buf *out, struct err *err);

#endif
