/* Private to credentials: roles, from the Security Token Service. */
#ifndef ICE_API_CREDS_STS_H
#define ICE_API_CREDS_STS_H

#include "api/creds_ctx.h"

struct creds_spec;

/* AssumeRole, signed with the given pair (`token` NULL for a permanent one). */
struct creds_keys *creds_sts_assume_role(struct creds_ctx *ctx, const struct creds_spec *role,
                                         const char *key_id, const char *key_secret,
                                         const char *token, const char *source, struct err *err);

/* AssumeRoleWithOIDC, not signed: the token in role->token_file (read afresh) speaks. */
struct creds_keys *creds_sts_assume_oidc(struct creds_ctx *ctx, const struct creds_spec *role,
                                         const char *source, struct err *err);

#endif
