#include "api/creds_sts_common.h"
#include "api/creds_json.h"
#include "api/creds_reply.h"
#include "api/creds_spec.h"
#include "api/creds_url.h"
#include "api/fault.h"
#include <stdio.h>
#include <string.h>

#define DURATION_S     3600
#define DURATION_MIN_S 900
#define SESSION_NAME   "icejobfs"

void creds_sts_param(struct creds_sts_params *p, const char *name, const char *value)
{
    if (value)
        p->at[p->n++] = (struct acs3_pair){name, value};
}

void creds_sts_role_params(struct creds_sts_params *p, const struct creds_ctx *ctx,
                           const struct creds_spec *role)
{
    const char *session = role->session_name;
    int64_t duration = role->duration_s ? role->duration_s : DURATION_S;
    if (!session)
        session = creds_ctx_env(ctx, "ALIBABA_CLOUD_ROLE_SESSION_NAME");
    if (duration < DURATION_MIN_S)
        duration = DURATION_MIN_S;
    snprintf(p->duration, sizeof p->duration, "%lld", (long long)duration);
    creds_sts_param(p, "RoleArn", role->role_arn);
    creds_sts_param(p, "RoleSessionName", session ? session : SESSION_NAME);
    creds_sts_param(p, "DurationSeconds", p->duration);
    creds_sts_param(p, "Policy", role->policy);
}

static bool is_host_text(const char *text)
{
    return *text && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789-.:") == strlen(text);
}

static int added(int rc, struct err *err)
{
    return rc < 0 ? err_set(err, "the STS endpoint is too long, or out of memory") : 0;
}

static int stand_in(const char *url, struct buf *out, struct err *err)
{
    enum creds_url kind = creds_url_kind(url);
    if (kind != CREDS_URL_HTTPS && kind != CREDS_URL_LOOPBACK)
        return err_set(err, "ICEJOBFS_STS_URL must be an https URL, or http to this machine");
    size_t n;
    const char *host = creds_url_authority(url, &n);
    return added(buf_add(out, url, (size_t)(host - url) + n), err);
}

static int by_region(const struct creds_ctx *ctx, const struct creds_spec *role, struct buf *out,
                     struct err *err)
{
    const char *region = role->sts_region;
    bool vpc = role->vpc || creds_ctx_flag(ctx, "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED");
    if (!region)
        region = creds_ctx_env(ctx, "ALIBABA_CLOUD_STS_REGION");
    if (!region)
        return added(buf_adds(out, "https://sts.aliyuncs.com"), err);
    if (!is_host_text(region))
        return err_set(err, "the STS region is no region");
    return added(buf_addf(out, "https://sts%s.%s.aliyuncs.com", vpc ? "-vpc" : "", region), err);
}

int creds_sts_endpoint(const struct creds_ctx *ctx, const struct creds_spec *role, struct buf *out,
                       struct err *err)
{
    const char *url = creds_ctx_env(ctx, "ICEJOBFS_STS_URL");
    if (url)
        return stand_in(url, out, err);
    if (!role->sts_endpoint)
        return by_region(ctx, role, out, err);
    if (!is_host_text(role->sts_endpoint))
        return err_set(err, "sts_endpoint is no host name");
    return added(buf_addf(out, "https://%s", role->sts_endpoint), err);
}

void creds_sts_refusal(const struct creds_answer *a, struct fault *fault, struct err *err)
{
    if (!fault_parse(buf_str(&a->body), a->body.len, fault))
        err_set(err, "the answer was HTTP %d", a->status);
    else
        err_set(err, "refused with HTTP %d %s: %.300s", a->status, fault->code, fault->message);
}

struct creds_keys *creds_sts_keys(struct creds_ctx *ctx, const struct creds_answer *a,
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
