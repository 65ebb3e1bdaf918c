/* Private to credentials: sources 1 and 2, the variables of the environment. */
#ifndef ICE_API_CREDS_ENVIRONMENT_H
#define ICE_API_CREDS_ENVIRONMENT_H

#include "api/creds_ctx.h"

/* ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, with ALIBABA_CLOUD_SECURITY_TOKEN where it is set. */
enum creds_found creds_environment_pair(struct creds_ctx *ctx, struct creds_keys **out,
                                        struct err *err);

/* A role by the token of an identity provider: ALIBABA_CLOUD_ROLE_ARN, _OIDC_PROVIDER_ARN,
 * _OIDC_TOKEN_FILE. */
enum creds_found creds_environment_oidc(struct creds_ctx *ctx, struct creds_keys **out,
                                        struct err *err);

#endif
