#include "api/creds_sts.h"
#include "api/creds_spec.h"
#include "api/creds_sts_common.h"
#include "api/creds_url.h"
#include "api/fault.h"
#include "base/clock.h"
#include "base/random.h"
#include <stdio.h>
#include <string.h>

#define AUTHORIZATION_MAX 4096

struct signing {
    struct creds_ctx *ctx;
    struct acs3 *acs3;
    const char *base; /* https://host */
    const struct creds_sts_params *params;
    const char *key_id, *key_secret, *token;
};

#define N_HEADERS 7

/* The headers that are signed, and the texts that they point to. */
struct signed_headers {
    char host[300], date[CLOCK_ISO_LEN], nonce[33], hash[ACS3_HEX_LEN];
    struct acs3_pair at[N_HEADERS]; /* the host first */
    size_t n;
};

static int make_headers(const struct signing *s, int64_t unix_s, struct signed_headers *h,
                        struct err *err)
{
    size_t host_len;
    const char *host = creds_url_authority(s->base, &host_len);
    snprintf(h->host, sizeof h->host, "%.*s", (int)host_len, host);
    clock_iso(unix_s, h->date);
    random_hex32(h->nonce);
    h->n = s->token ? N_HEADERS : N_HEADERS - 1;
    h->at[0] = (struct acs3_pair){"host", h->host};
    h->at[1] = (struct acs3_pair){"x-acs-action", "AssumeRole"};
    h->at[2] = (struct acs3_pair){"x-acs-version", CREDS_STS_VERSION};
    h->at[3] = (struct acs3_pair){"x-acs-date", h->date};
    h->at[4] = (struct acs3_pair){"x-acs-signature-nonce", h->nonce};
    h->at[5] = (struct acs3_pair){"x-acs-content-sha256", h->hash};
    h->at[6] = (struct acs3_pair){"x-acs-security-token", s->token};
    return acs3_sha256_hex(s->acs3, "", 0, h->hash, err);
}

static int sign(const struct signing *s, const struct signed_headers *h, struct buf *url,
                struct buf *auth, struct err *err)
{
    const struct acs3_request r = {
        .method = "POST",
        .path = "/",
        .query = s->params->at,
        .n_query = s->params->n,
        .headers = h->at,
        .n_headers = h->n,
        .body = "",
        .key_id = s->key_id,
        .key_secret = s->key_secret,
    };
    if (buf_addf(url, "%s/?", s->base) < 0)
        return err_set(err, "cannot build the URL: out of memory");
    if (acs3_canonical_query(&r, url, err) < 0)
        return -1;
    return acs3_authorization(s->acs3, &r, auth, err);
}

/* One signed exchange, dated `unix_s`. */
static int exchange(const struct signing *s, int64_t unix_s, struct creds_answer *out,
                    struct err *err)
{
    CLEANUP_BUF struct buf auth = BUF_SECRET_INIT(AUTHORIZATION_MAX);
    CLEANUP_BUF struct buf url = BUF_INIT(CREDS_STS_TEXT_MAX);
    struct signed_headers h;
    if (make_headers(s, unix_s, &h, err) < 0 || sign(s, &h, &url, &auth, err) < 0)
        return -1;
    /* The host is the transfer's own business. */
    struct http_header sent[N_HEADERS];
    for (size_t i = 1; i < h.n; i++)
        sent[i - 1] = (struct http_header){h.at[i].name, h.at[i].value};
    sent[h.n - 1] = (struct http_header){"Authorization", buf_str(&auth)};
    const struct http_request req = {
        .method = "POST",
        .url = buf_str(&url),
        .headers = sent,
        .n_headers = h.n,
        .connect_timeout_ms = CREDS_STS_CONNECT_MS,
        .timeout_ms = CREDS_STS_TOTAL_MS,
    };
    return creds_http(s->ctx, &req, creds_url_kind(s->base) == CREDS_URL_LOOPBACK, out, err);
}

static bool is_about_the_date(const struct fault *fault)
{
    return strncmp(fault->code, "InvalidTimeStamp", strlen("InvalidTimeStamp")) == 0;
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
            return creds_sts_keys(s->ctx, &a, source, err);
        struct fault fault = {0};
        struct err why = {0};
        creds_sts_refusal(&a, &fault, &why);
        if (corrected || !is_about_the_date(&fault) || a.date_unix_s == 0) {
            err_set(err, "%s", why.text);
            return NULL;
        }
        unix_s = a.date_unix_s;
    }
}

struct creds_keys *creds_sts_assume_role(struct creds_ctx *ctx, const struct creds_spec *role,
                                         const char *key_id, const char *key_secret,
                                         const char *token, const char *source, struct err *err)
{
    CLEANUP_BUF struct buf base = BUF_INIT(300);
    struct creds_sts_params params = {0};
    creds_sts_role_params(&params, ctx, role);
    creds_sts_param(&params, "ExternalId", role->external_id);
    if (creds_sts_endpoint(ctx, role, &base, err) < 0)
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
