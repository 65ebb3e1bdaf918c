/* Private to credentials: source 6, a URL that answers with keys. */
#ifndef ICE_API_CREDS_URI_H
#define ICE_API_CREDS_URI_H

#include "api/creds_ctx.h"

/* As a step of the chain: ALIBABA_CLOUD_CREDENTIALS_URI. */
enum creds_found creds_uri(struct creds_ctx *ctx, struct creds_keys **out, struct err *err);

struct creds_keys *creds_uri_fetch(struct creds_ctx *ctx, const char *uri, const char *source,
                                   struct err *err);

#endif
