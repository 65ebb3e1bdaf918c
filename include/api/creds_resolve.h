/* Private to credentials: from a description to keys. */
#ifndef ICE_API_CREDS_RESOLVE_H
#define ICE_API_CREDS_RESOLVE_H

#include "api/creds_ctx.h"

struct creds_spec;

/* `base`: keys of the source profile, for CREDS_MODE_CHAINABLE alone. `source` becomes the keys'
 * own. NULL with `err`. */
struct creds_keys *creds_resolve(struct creds_ctx *ctx, const struct creds_spec *spec,
                                 const struct creds_keys *base, const char *source,
                                 struct err *err);

#endif
