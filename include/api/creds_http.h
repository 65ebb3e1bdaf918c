/* Private to credentials: one exchange whose answer holds secrets, ended early by ctx->stop. */
#ifndef ICE_API_CREDS_HTTP_H
#define ICE_API_CREDS_HTTP_H

#include "api/creds_ctx.h"
#include "api/errors.h"
#include "api/http.h"

struct creds_answer {
    enum api_net net; /* API_NET_NONE: an answer came */
    int status;
    int64_t date_unix_s;
    struct buf body;
};

/* `direct`: past any proxy (this machine's own services). Time-outs are cut to what the walk has
 * left. 0: an answer came, whatever its status; -1: `err` says why not, out->net how. */
int creds_http(struct creds_ctx *ctx, const struct http_request *req, bool direct,
               struct creds_answer *out, struct err *err);
void creds_answer_free(struct creds_answer *a); /* wipes the body */
#define CLEANUP_ANSWER ICE_CLEANUP(creds_answer_free)

#endif
