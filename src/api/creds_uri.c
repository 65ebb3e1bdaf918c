#include "api/creds_uri.h"
#include "api/creds_http.h"
#include "api/creds_json.h"
#include "api/creds_reply.h"
#include "api/creds_url.h"
#include "base/log.h"
#include <string.h>

#define CONNECT_MS 5000
#define TOTAL_MS   10000

/* Only where there is a Code must it be a good one: the SDKs do not ask for it. */
static int check_code(const struct creds_json *doc, struct err *err)
{
    const char *code = "Success";
    if (creds_json_text(doc, "Code", &code, err) < 0)
        return -1;
    return strcmp(code, "Success") == 0 ? 0 : err_set(err, "the answer's Code is %.60s", code);
}

static struct creds_keys *read_answer(struct creds_ctx *ctx, const struct creds_answer *a,
                                      const char *source, struct err *err)
{
    if (a->status != 200) {
        err_set(err, "the answer was HTTP %d", a->status);
        return NULL;
    }
    CLEANUP_JSON struct creds_json *doc = creds_json_parse(buf_str(&a->body), a->body.len, err);
    if (!doc) {
        err_prefix(err, "the answer");
        return NULL;
    }
    if (check_code(doc, err) < 0)
        return NULL;
    return creds_reply_keys(doc, creds_ctx_now_ms(ctx), a->date_unix_s, source, err);
}

/* The URL may hold a secret of its own, so that no message repeats it. */
struct creds_keys *creds_uri_fetch(struct creds_ctx *ctx, const char *uri, const char *source,
                                   struct err *err)
{
    CLEANUP_ANSWER struct creds_answer a = {0};
    enum creds_url kind = creds_url_kind(uri);
    if (kind == CREDS_URL_BAD) {
        err_set(err, "the credentials URI is no http(s) URL");
        return NULL;
    }
    if (kind == CREDS_URL_PLAIN)
        log_warn("credentials URI sends keys unencrypted over the network source=\"%s\"", source);
    struct http_request req = {
        .method = "GET",
        .url = uri,
        .connect_timeout_ms = CONNECT_MS,
        .timeout_ms = TOTAL_MS,
    };
    if (creds_http(ctx, &req, kind == CREDS_URL_LOOPBACK, &a, err) < 0)
        return NULL;
    return read_answer(ctx, &a, source, err);
}

enum creds_found creds_uri(struct creds_ctx *ctx, struct creds_keys **out, struct err *err)
{
    const char *uri = creds_ctx_env(ctx, "ALIBABA_CLOUD_CREDENTIALS_URI");
    if (!uri) {
        err_set(err, "ALIBABA_CLOUD_CREDENTIALS_URI is not set");
        return CREDS_ABSENT;
    }
    *out = creds_uri_fetch(ctx, uri, "credentials URI", err);
    if (!*out)
        err_prefix(err, "ALIBABA_CLOUD_CREDENTIALS_URI");
    return *out ? CREDS_FOUND : CREDS_BROKEN;
}
