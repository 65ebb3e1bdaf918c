#include "api/creds_sts.h"
#include "api/acs3.h"
#include "api/creds_files.h"
#include "api/creds_http.h"
#include "api/creds_json.h"
#include "api/creds_reply.h"
#include "api/creds_spec.h"
#include "api/creds_url.h"
#include "api/fault.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include <stdio.h>
#include <string.h>

#define STS_VERSION       "2015-04-01"
#define CONNECT_MS        5000
#define TOTAL_MS          10000
#define DURATION_S        3600
#define DURATION_MIN_S    900
#define SESSION_NAME      "icejobfs"
#define TEXT_MAX          ((size_t)256 << 10) /* a URL or a form with an OIDC token */
#define TOKEN_FILE_MAX    ((size_t)64 << 10)
#define AUTHORIZATION_MAX 4096

/* The role's parameters as both operations take them. */
struct params {
    struct acs3_pair at[12];
    size_t n;
    char duration[24];
};

static void add(struct params *p, const char *name, const char *value)
{
    if (value)
        p->at[p->n++] = (struct acs3_pair){name, value};
}

static void add_role(struct params *p, const struct creds_ctx *ctx, const struct creds_spec *role)
{
    const char *session = role->session_name;
    int64_t duration = role->duration_s ? role->duration_s : DURATION_S;
    if (!session)
        session = creds_ctx_env(ctx, "ALIBABA_CLOUD_ROLE_SESSION_NAME");
    if (duration < DURATION_MIN_S)
        duration = DURATION_MIN_S;
    snprintf(p->duration, sizeof p->duration, "%lld", (long long)duration);
    add(p, "RoleArn", role->role_arn);
    add(p, "RoleSessionName", session ? session : SESSION_NAME);
    add(p, "DurationSeconds", p->duration);
    add(p, "Policy", role->policy);
}

static bool is_host_text(const char *text)
{
    return *text && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789-.:") == strlen(text);
}

static int stand_in(const char *url, struct buf *out, struct err *err)
{
    enum creds_url kind = creds_url_kind(url);
    if (kind != CREDS_URL_HTTPS && kind != CREDS_URL_LOOPBACK)
        return err_set(err, "ICEJOBFS_STS_URL must be an https URL, or http to this machine");
    size_t n;
    const char *host = creds_url_authority(url, &n);
    return buf_add(out, url, (size_t)(host - url) + n) < 0 ? err_set(err, "the URL is too long")
                                                           : 0;
}

/* Where STS is, as https://host. */
static int endpoint(const struct creds_ctx *ctx, const struct creds_spec *role, struct buf *out,
                    struct err *err)
{
    const char *url = creds_ctx_env(ctx, "ICEJOBFS_STS_URL");
    if (url)
        return stand_in(url, out, err);
    const char *region = role->sts_region;
    if (!region)
        region = creds_ctx_env(ctx, "ALIBABA_CLOUD_STS_REGION");
    bool vpc = role->vpc || creds_ctx_flag(ctx, "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED");
    int rc;
    if (role->sts_endpoint) {
        if (!is_host_text(role->sts_endpoint))
            return err_set(err, "sts_endpoint is no host name");
        rc = buf_addf(out, "https://%s", role->sts_endpoint);
    } else if (region) {
        if (!is_host_text(region))
            return err_set(err, "the STS region is no region");
        rc = buf_addf(out, "https://sts%s.%s.aliyuncs.com", vpc ? "-vpc" : "", region);
    } else {
        rc = buf_adds(out, "https://sts.aliyuncs.com");
    }
    return rc < 0 ? err_set(err, "the STS endpoint is too long") : 0;
}

/* What STS says about a refusal, in one line without secrets. */
static void refusal(const struct creds_answer *a, struct fault *fault, struct err *err)
{
    if (!fault_parse(buf_str(&a->body), a->body.len, fault))
        err_set(err, "the answer was HTTP %d", a->status);
    else
        err_set(err, "refused with HTTP %d %s: %.300s", a->status, fault->code, fault->message);
}

static struct creds_keys *read_answer(struct creds_ctx *ctx, const struct creds_answer *a,
                                      const char *source, struct err *err)
{
    CLEANUP_JSON struct creds_json *doc = creds_json_parse(buf_str(&a->body), a->body.len, err);
    if (!doc) {
        err_prefix(err, "the answer");
        return NULL;
    }
    const struct creds_json *credentials = creds_json_object(doc, "Credentials");
    if (!credentials) {
        err_set(err, "the answer has no Credentials");
        return NULL;
    }
    return creds_reply_keys(credentials, creds_ctx_now_ms(ctx), a->date_unix_s, source, err);
}

/* --- AssumeRole ------------------------------------------------------------------------------ */

struct signing {
    struct creds_ctx *ctx;
    const struct acs3 *acs3;
    const char *base; /* https://host */
    const struct params *params;
    const char *key_id, *key_secret, *token;
};

#define N_HEADERS 8

/* One signed exchange, dated `unix_s`. */
static int exchange(const struct signing *s, int64_t unix_s, struct creds_answer *out,
                    struct err *err)
{
    CLEANUP_BUF struct buf auth = BUF_SECRET_INIT(AUTHORIZATION_MAX);
    CLEANUP_BUF struct buf url = BUF_INIT(TEXT_MAX);
    char date[CLOCK_ISO_LEN], nonce[33], hash[ACS3_HEX_LEN], host[300];
    size_t host_len;
    const char *authority = creds_url_authority(s->base, &host_len);
    snprintf(host, sizeof host, "%.*s", (int)host_len, authority);
    clock_iso(unix_s, date);
    random_hex32(nonce);
    if (acs3_sha256_hex(s->acs3, "", 0, hash, err) < 0)
        return -1;
    struct acs3_pair headers[N_HEADERS] = {
        {"host", host},
        {"x-acs-action", "AssumeRole"},
        {"x-acs-version", STS_VERSION},
        {"x-acs-date", date},
        {"x-acs-signature-nonce", nonce},
        {"x-acs-content-sha256", hash},
        {"x-acs-security-token", s->token},
    };
    size_t n = s->token ? 7 : 6;
    struct acs3_request r = {
        .method = "POST",
        .path = "/",
        .query = s->params->at,
        .n_query = s->params->n,
        .headers = headers,
        .n_headers = n,
        .body = "",
        .key_id = s->key_id,
        .key_secret = s->key_secret,
    };
    if (acs3_authorization(s->acs3, &r, &auth, err) < 0)
        return -1;
    if (buf_addf(&url, "%s/?", s->base) < 0)
        return err_set(err, "cannot build the URL: out of memory");
    if (acs3_canonical_query(&r, &url, err) < 0)
        return -1;
    /* The host is the transfer's own business. */
    struct http_header sent[N_HEADERS];
    for (size_t i = 1; i < n; i++)
        sent[i - 1] = (struct http_header){headers[i].name, headers[i].value};
    sent[n - 1] = (struct http_header){"Authorization", buf_str(&auth)};
    struct http_request req = {
        .method = "POST",
        .url = buf_str(&url),
        .headers = sent,
        .n_headers = n,
        .connect_timeout_ms = CONNECT_MS,
        .timeout_ms = TOTAL_MS,
    };
    bool direct = creds_url_kind(s->base) == CREDS_URL_LOOPBACK;
    return creds_http(s->ctx, &req, direct, out, err);
}

/* Ask, and where our date was refused ask once more with the answer's. */
static struct creds_keys *assume(const struct signing *s, const char *source, struct err *err)
{
    int64_t unix_s = creds_ctx_now_ms(s->ctx) / MS_PER_S;
    for (bool corrected = false;; corrected = true) {
        CLEANUP_ANSWER struct creds_answer a = {0};
        if (exchange(s, unix_s, &a, err) < 0)
            return NULL;
        if (a.status == 200)
            return read_answer(s->ctx, &a, source, err);
        struct fault fault = {0};
        refusal(&a, &fault, err);
        bool dated = strncmp(fault.code, "InvalidTimeStamp", strlen("InvalidTimeStamp")) == 0;
        if (corrected || !dated || a.date_unix_s == 0)
            return NULL;
        unix_s = a.date_unix_s;
    }
}

struct creds_keys *creds_sts_assume_role(struct creds_ctx *ctx, const struct creds_spec *role,
                                         const char *key_id, const char *key_secret,
                                         const char *token, const char *source, struct err *err)
{
    CLEANUP_BUF struct buf base = BUF_INIT(300);
    struct params params = {0};
    add_role(&params, ctx, role);
    add(&params, "ExternalId", role->external_id);
    if (endpoint(ctx, role, &base, err) < 0)
        return NULL;
    struct acs3 *acs3 = acs3_new(err);
    if (!acs3)
        return NULL;
    struct signing s = {ctx, acs3, buf_str(&base), &params, key_id, key_secret, token};
    struct creds_keys *keys = assume(&s, source, err);
    acs3_free(acs3);
    if (!keys)
        err_prefix(err, "AssumeRole at %.100s", buf_str(&base));
    return keys;
}

/* --- AssumeRoleWithOIDC ---------------------------------------------------------------------- */

static int read_token(const char *path, struct buf *out, struct err *err)
{
    if (creds_file_slurp(path, out, NULL, err) != 1)
        return err_prefix(err, "OIDC token file %.160s", path);
    while (out->len && strchr(" \t\r\n", out->data[out->len - 1]))
        out->data[--out->len] = '\0';
    return out->len ? 0 : err_set(err, "OIDC token file %.160s is empty", path);
}

static int build_form(const struct params *p, struct buf *out, struct err *err)
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
                 "%s/?Action=AssumeRoleWithOIDC&Format=JSON&Version=" STS_VERSION "&Timestamp=",
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
        .connect_timeout_ms = CONNECT_MS,
        .timeout_ms = TOTAL_MS,
    };
    return creds_http(ctx, &req, creds_url_kind(base) == CREDS_URL_LOOPBACK, out, err);
}

static struct creds_keys *assume_oidc(struct creds_ctx *ctx, const char *base,
                                      const struct creds_spec *role, const char *source,
                                      struct err *err)
{
    CLEANUP_BUF struct buf token = BUF_SECRET_INIT(TOKEN_FILE_MAX);
    CLEANUP_BUF struct buf form = BUF_SECRET_INIT(TEXT_MAX);
    CLEANUP_ANSWER struct creds_answer a = {0};
    struct params params = {0};
    if (read_token(role->token_file, &token, err) < 0)
        return NULL;
    add_role(&params, ctx, role);
    add(&params, "OIDCProviderArn", role->provider_arn);
    add(&params, "OIDCToken", buf_str(&token));
    if (build_form(&params, &form, err) < 0 || post_form(ctx, base, &form, &a, err) < 0)
        return NULL;
    if (a.status == 200)
        return read_answer(ctx, &a, source, err);
    struct fault fault = {0};
    refusal(&a, &fault, err);
    return NULL;
}

struct creds_keys *creds_sts_assume_oidc(struct creds_ctx *ctx, const struct creds_spec *role,
                                         const char *source, struct err *err)
{
    CLEANUP_BUF struct buf base = BUF_INIT(300);
    if (endpoint(ctx, role, &base, err) < 0)
        return NULL;
    struct creds_keys *keys = assume_oidc(ctx, buf_str(&base), role, source, err);
    if (!keys)
        err_prefix(err, "AssumeRoleWithOIDC at %.100s", buf_str(&base));
    return keys;
}
