/* Private to credentials: source 5, the role of the machine, from the ECS metadata service. */
#ifndef ICE_API_CREDS_IMDS_H
#define ICE_API_CREDS_IMDS_H

#include "api/creds_ctx.h"

/* As a step of the chain: role from ALIBABA_CLOUD_ECS_METADATA or asked for; can be switched off.
 */
enum creds_found creds_imds(struct creds_ctx *ctx, struct creds_keys **out, struct err *err);

/* Keys of `role` (NULL: ask for its name). Absent: no such service here, or no role. Quick where
 * nothing listens: one attempt of at most a second. */
enum creds_found creds_imds_fetch(struct creds_ctx *ctx, const char *role, const char *source,
                                  struct creds_keys **out, struct err *err);

#endif
