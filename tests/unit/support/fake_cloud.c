#include "support/fake_cloud.h"
#include "api/acs3.h"
#include "base/clock.h"
#include "support/httpd.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define IMDS_TOKEN "imds-" SECRET_MARK
#define STS_SECRET "sts-" SECRET_MARK
#define STS_TOKEN  "token-" SECRET_MARK
#define BODY_MAX   2048
#define N_PAIRS    16

/* The request's own thread keeps its answer until it is copied. */
static _Thread_local char body[BODY_MAX];

static void answer(struct httpd_response *resp, int status, const char *text)
{
    snprintf(body, sizeof body, "%s", text);
    resp->status = status;
    resp->body = body;
}

static int given(const struct cloud *c)
{
    return c->imds_keys + c->sts_roles + c->sts_oidcs + c->uris;
}

static void give_keys(struct cloud *c, const char *before, const char *after,
                      struct httpd_response *resp)
{
    char keys[1024], text[BODY_MAX];
    const char *instead = atomic_load(&c->body);
    snprintf(keys, sizeof keys,
             "\"AccessKeyId\":\"" CLOUD_KEY_ID "%d\",\"AccessKeySecret\":\"" STS_SECRET
             "\",\"SecurityToken\":\"" STS_TOKEN "\",\"Expiration\":\"%s\"",
             given(c), world_iso(c->life_s));
    snprintf(text, sizeof text, "%s%s%s", before, keys, after);
    answer(resp, 200, instead ? instead : text);
}

/* --- the metadata service -------------------------------------------------------------------- */

static void imds(struct cloud *c, const struct httpd_request *req, struct httpd_response *resp)
{
    static const char roles[] = "/latest/meta-data/ram/security-credentials/";
    const char *ttl = httpd_header(req, "X-aliyun-ecs-metadata-token-ttl-seconds");
    const char *token = httpd_header(req, "X-aliyun-ecs-metadata-token");
    if (strcmp(req->path, "/latest/api/token") == 0) {
        bool good = strcmp(req->method, "PUT") == 0 && ttl && strcmp(ttl, "21600") == 0;
        c->imds_tokens++;
        answer(resp, good ? c->imds_status : 400, IMDS_TOKEN);
    } else if (c->imds_status == 200 && (!token || strcmp(token, IMDS_TOKEN) != 0)) {
        answer(resp, 401, "");
    } else if (strcmp(req->path, roles) == 0) {
        const char *role = atomic_load(&c->role);
        c->imds_roles++;
        answer(resp, c->role_status, role ? role : "machine-role");
    } else if (strncmp(req->path, roles, strlen(roles)) == 0) {
        c->imds_keys++;
        give_keys(c, "{\"Code\":\"Success\",", ",\"LastUpdated\":\"x\"}", resp);
    } else {
        answer(resp, 404, "");
    }
}

/* --- STS ------------------------------------------------------------------------------------- */

static int hex(char ch)
{
    const char *digits = "0123456789ABCDEF", *at = strchr(digits, ch);
    return at && ch ? (int)(at - digits) : -1;
}

static void decode(char *text)
{
    char *to = text;
    for (char *from = text; *from; from++)
        if (*from == '%') {
            *to++ = (char)(hex(from[1]) * 16 + hex(from[2]));
            from += 2;
        } else {
            *to++ = *from;
        }
    *to = '\0';
}

static size_t split_query(char *query, struct acs3_pair pairs[N_PAIRS])
{
    size_t n = 0;
    char *save = NULL;
    for (char *p = strtok_r(query, "&", &save); p && n < N_PAIRS; p = strtok_r(NULL, "&", &save)) {
        char *value = strchr(p, '=');
        *value++ = '\0';
        decode(value);
        pairs[n++] = (struct acs3_pair){p, value};
    }
    return n;
}

/* Sign what came in again, with the secret that belongs to its key id. */
static bool is_signed(const struct httpd_request *req)
{
    static const char *const names[] = {"host",
                                        "x-acs-action",
                                        "x-acs-version",
                                        "x-acs-date",
                                        "x-acs-signature-nonce",
                                        "x-acs-content-sha256",
                                        "x-acs-security-token"};
    struct acs3_pair headers[ARRAY_LEN(names)], query[N_PAIRS];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (httpd_header(req, names[i]))
            headers[n++] = (struct acs3_pair){names[i], httpd_header(req, names[i])};
    const char *token = httpd_header(req, "x-acs-security-token");
    const char *auth = httpd_header(req, "Authorization");
    char text[4096], id[64] = "";
    snprintf(text, sizeof text, "%s", req->query);
    if (!auth || sscanf(auth, "ACS3-HMAC-SHA256 Credential=%63[^,],", id) != 1)
        return false;
    struct acs3_request r = {.method = req->method,
                             .path = req->path,
                             .query = query,
                             .n_query = split_query(text, query),
                             .headers = headers,
                             .n_headers = n,
                             .body = req->body,
                             .body_len = req->body_len,
                             .key_id = id,
                             .key_secret = token ? STS_SECRET : CLOUD_SECRET};
    struct acs3 *acs3 = acs3_new(NULL);
    struct buf again = BUF_INIT(4096);
    int rc = acs3_authorization(acs3, &r, &again, NULL);
    bool same = rc == 0 && strcmp(buf_str(&again), auth) == 0;
    buf_free(&again);
    acs3_free(acs3);
    return same && (token ? strcmp(token, STS_TOKEN) == 0 : strcmp(id, CLOUD_ID) == 0);
}

static bool date_is_good(const struct cloud *c, const struct httpd_request *req)
{
    int64_t ns, now = clock_real_ns();
    const char *date = httpd_header(req, "x-acs-date");
    if (!date || clock_parse_iso(date, &ns) < 0)
        return false;
    int64_t off = (ns - now) / NS_PER_S;
    return c->sts_skew_s == 0 || (off <= c->sts_skew_s && off >= -c->sts_skew_s);
}

static void sts(struct cloud *c, const struct httpd_request *req, struct httpd_response *resp)
{
    const char *action = httpd_header(req, "x-acs-action");
    const char *oidc = httpd_param(req, "Action");
    snprintf(c->last_query, sizeof c->last_query, "%s", req->query);
    snprintf(c->last_body, sizeof c->last_body, "%s", req->body);
    if (action && strcmp(action, "AssumeRole") == 0)
        c->sts_roles++;
    else if (oidc && strcmp(oidc, "AssumeRoleWithOIDC") == 0)
        c->sts_oidcs++;
    if (action && !is_signed(req))
        c->bad_signatures++;
    if (c->sts_status != 200)
        answer(resp, c->sts_status,
               "{\"Code\":\"NoPermission\",\"RequestId\":\"R\",\"Message\":\"You are not allowed. "
               "x-acs-security-token:" STS_TOKEN "\"}");
    else if (action && !date_is_good(c, req))
        answer(resp, 400, "{\"Code\":\"InvalidTimeStamp.Expired\",\"Message\":\"too far off\"}");
    else
        give_keys(c, "{\"RequestId\":\"R\",\"Credentials\":{", "}}", resp);
}

/* --- all of them ----------------------------------------------------------------------------- */

static void serve(void *arg, const struct httpd_request *req, struct httpd_response *resp)
{
    struct cloud *c = arg;
    if (c->hang) {
        resp->hang = true;
    } else if (strncmp(req->path, "/latest/", 8) == 0) {
        imds(c, req, resp);
    } else if (strcmp(req->path, "/uri") == 0) {
        c->uris++;
        if (c->uri_status == 200)
            give_keys(c, "{\"Code\":\"Success\",", "}", resp);
        else
            answer(resp, c->uri_status, STS_SECRET);
    } else {
        sts(c, req, resp);
    }
}

void cloud_start(struct cloud *c, struct world *w)
{
    memset(c, 0, sizeof *c);
    c->life_s = 3600;
    c->imds_status = c->role_status = c->sts_status = c->uri_status = 200;
    c->server = httpd_start(serve, c);
    world_set(w, "ICEJOBFS_IMDS_URL", httpd_url(c->server));
    world_set(w, "ICEJOBFS_STS_URL", httpd_url(c->server));
    world_set(w, "ALIBABA_CLOUD_ECS_METADATA_DISABLED", NULL);
}

void cloud_stop(struct cloud *c)
{
    httpd_stop(c->server);
}
