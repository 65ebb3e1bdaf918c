#include "api/creds_imds.h"
#include "api/creds_http.h"
#include "api/creds_json.h"
#include "api/creds_reply.h"
#include "api/creds_url.h"
#include "base/secret.h"
#include <stdio.h>
#include <string.h>

#define IMDS_URL    "http://100.100.100.200"
#define TIMEOUT_MS  1000
#define TOKEN_TTL_S "21600"
#define TOKEN_MAX   1024
#define ROLE_MAX    64
#define ROLE_PATH   "/latest/meta-data/ram/security-credentials/"

struct imds {
    struct creds_ctx *ctx;
    const char *base;          /* URL without a trailing slash */
    char token[TOKEN_MAX + 1]; /* "" for the way without one */
};

/* Where the service is: the real one, or a stand-in. NULL with `err`. */
static const char *base_url(const struct creds_ctx *ctx, struct err *err)
{
    const char *url = creds_ctx_env(ctx, "ICEJOBFS_IMDS_URL");
    if (!url)
        return IMDS_URL;
    enum creds_url kind = creds_url_kind(url);
    if (kind == CREDS_URL_HTTPS || kind == CREDS_URL_LOOPBACK)
        return url;
    err_set(err, "ICEJOBFS_IMDS_URL must be an https URL, or http to this machine");
    return NULL;
}

static int ask(struct imds *m, const char *method, const char *path, struct creds_answer *out,
               struct err *err)
{
    char url[512];
    int n = snprintf(url, sizeof url, "%s%s", m->base, path);
    if (n < 0 || (size_t)n >= sizeof url)
        return err_set(err, "the URL is too long");
    bool put = strcmp(method, "PUT") == 0;
    struct http_header header = {
        .name = put ? "X-aliyun-ecs-metadata-token-ttl-seconds" : "X-aliyun-ecs-metadata-token",
        .value = put ? TOKEN_TTL_S : m->token,
    };
    struct http_request req = {
        .method = method,
        .url = url,
        .headers = &header,
        .n_headers = put || m->token[0] ? 1 : 0,
        .connect_timeout_ms = TIMEOUT_MS,
        .timeout_ms = TIMEOUT_MS,
    };
    return creds_http(m->ctx, &req, true, out, err);
}

static bool is_header_text(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return n > 0 && n <= TOKEN_MAX;
}

/* 1: go on, with a token or, where that is allowed, without. 0: nobody answers here. -1. */
static int get_token(struct imds *m, struct err *err)
{
    CLEANUP_ANSWER struct creds_answer a = {0};
    if (ask(m, "PUT", "/latest/api/token", &a, err) < 0) {
        bool nobody = a.net == API_NET_UNREACHABLE || a.net == API_NET_TIMEOUT;
        return nobody ? 0 : -1;
    }
    size_t n = a.body.len;
    if (a.status == 200 && is_header_text(buf_str(&a.body), n)) {
        memcpy(m->token, a.body.data, n);
        m->token[n] = '\0';
        return 1;
    }
    if (creds_ctx_flag(m->ctx, "ALIBABA_CLOUD_IMDSV1_DISABLED"))
        return err_set(err, "no token (HTTP %d), and ALIBABA_CLOUD_IMDSV1_DISABLED is set",
                       a.status);
    return 1;
}

static bool is_role_name(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n <= ROLE_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static enum creds_found get_role(struct imds *m, char role[ROLE_MAX + 1], struct err *err)
{
    CLEANUP_ANSWER struct creds_answer a = {0};
    if (ask(m, "GET", ROLE_PATH, &a, err) < 0)
        return CREDS_BROKEN;
    if (a.status == 404) {
        err_set(err, "no RAM role is attached to this machine");
        return CREDS_ABSENT;
    }
    if (a.status != 200) {
        err_set(err, "the role's name was refused with HTTP %d", a.status);
        return CREDS_BROKEN;
    }
    const char *text = buf_str(&a.body);
    size_t n = strcspn(text, "\r\n");
    if (n <= ROLE_MAX) {
        memcpy(role, text, n);
        role[n] = '\0';
        if (is_role_name(role))
            return CREDS_FOUND;
    }
    err_set(err, "what it gave as the role's name is none");
    return CREDS_BROKEN;
}

static int check_code(const struct creds_json *doc, struct err *err)
{
    const char *code = "none";
    if (creds_json_text(doc, "Code", &code, err) < 0)
        return -1;
    return strcmp(code, "Success") == 0 ? 0 : err_set(err, "its Code is %.60s", code);
}

static struct creds_keys *get_keys(struct imds *m, const char *role, const char *source,
                                   struct err *err)
{
    CLEANUP_ANSWER struct creds_answer a = {0};
    char path[sizeof ROLE_PATH + ROLE_MAX];
    snprintf(path, sizeof path, ROLE_PATH "%s", role);
    if (ask(m, "GET", path, &a, err) < 0)
        return NULL;
    if (a.status != 200) {
        err_set(err, "keys of role %s were refused with HTTP %d", role, a.status);
        return NULL;
    }
    CLEANUP_JSON struct creds_json *doc = creds_json_parse(buf_str(&a.body), a.body.len, err);
    if (!doc || check_code(doc, err) < 0)
        return NULL;
    return creds_reply_keys(doc, creds_ctx_now_ms(m->ctx), a.date_unix_s, source, err);
}

static enum creds_found talk(struct imds *m, const char *role, const char *source,
                             struct creds_keys **out, struct err *err)
{
    char asked[ROLE_MAX + 1] = "";
    int rc = get_token(m, err);
    if (rc <= 0)
        return rc < 0 ? CREDS_BROKEN : CREDS_ABSENT;
    if (!role) {
        enum creds_found found = get_role(m, asked, err);
        if (found != CREDS_FOUND)
            return found;
        role = asked;
    }
    if (!is_role_name(role)) {
        err_set(err, "%.80s is no role name", role);
        return CREDS_BROKEN;
    }
    char label[400];
    snprintf(label, sizeof label, "%.300s role %s", source, role);
    *out = get_keys(m, role, label, err);
    return *out ? CREDS_FOUND : CREDS_BROKEN;
}

enum creds_found creds_imds_fetch(struct creds_ctx *ctx, const char *role, const char *source,
                                  struct creds_keys **out, struct err *err)
{
    struct imds m = {.ctx = ctx, .base = base_url(ctx, err)};
    if (!m.base)
        return CREDS_BROKEN;
    enum creds_found found = talk(&m, role, source, out, err);
    secret_wipe(m.token, sizeof m.token);
    if (found != CREDS_FOUND)
        err_prefix(err, "metadata service %.100s", m.base);
    return found;
}

enum creds_found creds_imds(struct creds_ctx *ctx, struct creds_keys **out, struct err *err)
{
    if (creds_ctx_flag(ctx, "ALIBABA_CLOUD_ECS_METADATA_DISABLED")) {
        err_set(err, "metadata service: switched off by ALIBABA_CLOUD_ECS_METADATA_DISABLED");
        return CREDS_ABSENT;
    }
    return creds_imds_fetch(ctx, creds_ctx_env(ctx, "ALIBABA_CLOUD_ECS_METADATA"), "ECS metadata",
                            out, err);
}
