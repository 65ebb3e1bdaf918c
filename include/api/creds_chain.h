/* Private to credentials: the sources in their order. */
#ifndef ICE_API_CREDS_CHAIN_H
#define ICE_API_CREDS_CHAIN_H

#include "api/creds_ctx.h"

enum creds_source {
    CREDS_SOURCE_ENVIRONMENT,
    CREDS_SOURCE_OIDC,
    CREDS_SOURCE_CLI_FILE,
    CREDS_SOURCE_INI_FILE,
    CREDS_SOURCE_IMDS,
    CREDS_SOURCE_URI,
    CREDS_SOURCE_NONE, /* also their number */
};

struct creds_result {
    struct creds_keys *keys; /* the caller's reference */
    enum creds_source source;
};

/* Ask each source in order until one has keys. A source that fails does not end the walk, but for
 * `kept`, the one in use (or CREDS_SOURCE_NONE): its passing trouble must not turn us into somebody
 * else. A profile asked for by name ends the walk behind the files, and with creds_env.profile the
 * environment's keys are not looked at. 0, or -1 with what was tried and what helps. */
int creds_chain_walk(struct creds_ctx *ctx, enum creds_source kept, struct creds_result *out,
                     struct err *err);

/* Ask the source in use again; where its file is gone, or it no longer has the profile, walk. */
int creds_chain_renew(struct creds_ctx *ctx, enum creds_source kept, struct creds_result *out,
                      struct err *err);

/* The files (bits 1u << enum creds_file) whose change may bring other keys while `kept` is in use:
 * its own and those before it. */
unsigned creds_chain_files(enum creds_source kept);

#endif
