/* Private to credentials: what every source gets from outside, and the time it may take.
 *
 * Used by one walking thread at a time; `stop` alone is set from another. */
#ifndef ICE_API_CREDS_CTX_H
#define ICE_API_CREDS_CTX_H

#include "api/creds.h"
#include "api/creds_files.h"
#include <stdatomic.h>

/* What asking a source came to. */
enum creds_found {
    CREDS_BROKEN = -1, /* it applies and failed: `err` says how */
    CREDS_ABSENT = 0,  /* it does not apply: `err` says why, in a few words */
    CREDS_FOUND = 1,
};

struct creds_ctx {
    struct creds_env env;
    char *home; /* or NULL: nobody knows */
    struct creds_files files;
    int64_t deadline_mono_ms; /* of the walk under way */
    atomic_bool stop;         /* end waits early: the process is leaving */
};

/* 0 or -1. `ctx` may be freed in either case. */
int creds_ctx_init(struct creds_ctx *ctx, const struct creds_env *env, struct err *err);
void creds_ctx_free(struct creds_ctx *ctx);

/* A variable of the environment; NULL when unset or empty. Borrowed. */
const char *creds_ctx_env(const struct creds_ctx *ctx, const char *name);

/* Is the variable `true` or `1`? */
bool creds_ctx_flag(const struct creds_ctx *ctx, const char *name);

/* The profile asked for by name, by option or environment; NULL: the files' own default. */
const char *creds_ctx_profile(const struct creds_ctx *ctx);

/* The wall clock, and how much of `most_ms` is left before the walk's deadline (0: none). */
int64_t creds_ctx_now_ms(const struct creds_ctx *ctx);
int64_t creds_ctx_left_ms(const struct creds_ctx *ctx, int64_t most_ms);

#endif
