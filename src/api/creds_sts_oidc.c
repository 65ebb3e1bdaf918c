#include "api/creds_files.h"
#include "api/creds_spec.h"
#include "api/creds_sts.h"
#include "api/creds_sts_common.h"
#include "api/creds_url.h"
#include "api/fault.h"
#include "base/clock.h"
#include <string.h>

#define TOKEN_FILE_MAX ((size_t)64 << 10)

static int read_token(const char *path, struct buf *out, struct err *err)
{
    if (creds_file_slurp(path, out, NULL, err) != 1)
        return err_prefix(err, "OIDC token file %.160s", path);
    while (out->len && strchr(" \t\r\n", out->data[out->len - 1]))
        out->data[--out->len] = '\0';
    return out->len ? 0 : err_set(err, "OIDC token file %.160s is empty", path);
}

static int build_form(const struct creds_sts_params *p, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < p->n; i++)
        if ((i && buf_addc(out, '&') < 0) || acs3_percent_encode(p->at[i].name, out) < 0 ||
            buf_addc(out, '=') < 0 || acs3_percent_encode(p->at[i].value, out) < 0)
            return err_set(err, "cannot build the form: too large or out of memory");
    return 0;
}

static int post_form(struct creds_ctx *ctx, const char *base, const struct buf *form,
                     struct creds_answer *out, struct err *err)
{
    static const struct http_header type = {"Content-Type", "application/x-www-form-urlencoded"};
    CLEANUP_BUF struct buf url = BUF_INIT(1024);
    char date[CLOCK_ISO_LEN];
    clock_iso(creds_ctx_now_ms(ctx) / MS_PER_S, date);
    if (buf_addf(&url,
                 "%s/?Action=AssumeRoleWithOIDC&Format=JSON&Version=" CREDS_STS_VERSION
                 "&Timestamp=",
                 base) < 0 ||
        acs3_percent_encode(date, &url) < 0)
        return err_set(err, "cannot build the URL: out of memory");
    struct http_request req = {
        .method = "POST",
        .url = buf_str(&url),
        .headers = &type,
        .n_headers = 1,
        .body = form->data,
        .body_len = form->len,
        .connect_timeout_ms = CREDS_STS_CONNECT_MS,
        .timeout_ms = CREDS_STS_TOTAL_MS,
    };
    return creds_http(ctx, &req, creds_url_kind(base) == CREDS_URL_LOOPBACK, out, err);
}

static struct creds_keys *assume_oidc(struct creds_ctx *ctx, const char *base,
                                      const struct creds_spec *role, const char *source,
                                      struct err *err)
{
    CLEANUP_BUF struct buf token = BUF_SECRET_INIT(TOKEN_FILE_MAX);
    CLEANUP_BUF struct buf form = BUF_SECRET_INIT(CREDS_STS_TEXT_MAX);
    CLEANUP_ANSWER struct creds_answer a = {0};
    struct creds_sts_params params = {0};
    if (read_token(role->token_file, &token, err) < 0)
        return NULL;
    creds_sts_role_params(&params, ctx, role);
    creds_sts_param(&params, "OIDCProviderArn", role->provider_arn);
    creds_sts_param(&params, "OIDCToken", buf_str(&token));
    if (build_form(&params, &form, err) < 0 || post_form(ctx, base, &form, &a, err) < 0)
        return NULL;
    if (a.status == 200)
        return creds_sts_keys(ctx, &a, source, err);
    struct fault fault = {0};
    creds_sts_refusal(&a, &fault, err);
    return NULL;
}

struct creds_keys *creds_sts_assume_oidc(struct creds_ctx *ctx, const struct creds_spec *role,
                                         const char *source, struct err *err)
{
    CLEANUP_BUF struct buf base = BUF_INIT(300);
    if (creds_sts_endpoint(ctx, role, &base, err) < 0)
        return NULL;
    struct creds_keys *keys = assume_oidc(ctx, buf_str(&base), role, source, err);
    if (!keys)
        err_prefix(err, "AssumeRoleWithOIDC at %.100s", buf_str(&base));
    return keys;
}
