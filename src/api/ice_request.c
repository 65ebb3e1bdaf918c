#include "api/ice_request.h"
#include "version.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* SHA-256 of nothing: no operation here has a body. */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

int ice_host_parse(const char *endpoint, struct ice_host *out, struct err *err)
{
    *out = (struct ice_host){NULL};
    bool tls = strncmp(endpoint, "https://", 8) == 0;
    const char *host = endpoint + (tls ? 8 : 7);
    if ((!tls && strncmp(endpoint, "http://", 7) != 0) || !*host || host[strcspn(host, "/?#@ ")])
        return err_set(err, "endpoint '%s': it must read http(s)://host[:port]", endpoint);
    const char *port = tls ? ":443" : ":80";
    size_t n = strlen(host) - (ends_with(host, port) ? strlen(port) : 0);
    out->url = strdup(endpoint);
    out->host = strndup(host, n);
    return out->url && out->host ? 0 : err_set(err, "endpoint '%s': no memory", endpoint);
}

void ice_host_free(struct ice_host *h)
{
    free(h->url);
    free(h->host);
    *h = (struct ice_host){NULL};
}

static int add_url(const struct ice_request_input *in, struct buf *url)
{
    if (buf_adds(url, in->host->url) < 0 || buf_addc(url, '/') < 0)
        return -1;
    for (size_t i = 0; i < in->n_query; i++)
        if (buf_addc(url, i ? '&' : '?') < 0 || acs3_percent_encode(in->query[i].name, url) < 0 ||
            buf_addc(url, '=') < 0 || acs3_percent_encode(in->query[i].value, url) < 0)
            return -1;
    return 0;
}

static void set_header(struct ice_request *r, const char *name, const char *value)
{
    r->headers[r->n_headers++] = (struct http_header){name, value};
}

static void set_headers(const struct ice_request_input *in, struct ice_request *r)
{
    clock_iso(in->unix_s, r->date);
    set_header(r, "Host", in->host->host);
    set_header(r, "Accept", "application/json");
    set_header(r, "User-Agent", "icejobfs/" ICEJOBFS_VERSION);
    set_header(r, "x-acs-action", in->action);
    set_header(r, "x-acs-version", ICE_VERSION);
    set_header(r, "x-acs-date", r->date);
    set_header(r, "x-acs-signature-nonce", in->nonce);
    set_header(r, "x-acs-content-sha256", EMPTY_SHA256);
    if (in->token) {
        set_header(r, "x-acs-accesskey-id", in->key_id);
        set_header(r, "x-acs-security-token", in->token);
    }
}

static int sign(struct acs3 *signer, const struct ice_request_input *in, struct ice_request *r,
                struct err *err)
{
    struct acs3_pair headers[ICE_HEADERS_MAX];
    for (size_t i = 0; i < r->n_headers; i++)
        headers[i] = (struct acs3_pair){r->headers[i].name, r->headers[i].value};
    const struct acs3_request to_sign = {.method = "POST",
                                         .path = "/",
                                         .query = in->query,
                                         .n_query = in->n_query,
                                         .headers = headers,
                                         .n_headers = r->n_headers,
                                         .key_id = in->key_id,
                                         .key_secret = in->key_secret};
    if (acs3_authorization(signer, &to_sign, &r->authorization, err) < 0)
        return -1;
    set_header(r, "Authorization", buf_str(&r->authorization));
    return 0;
}

int ice_request_build(struct acs3 *signer, const struct ice_request_input *in,
                      struct ice_request *out, struct err *err)
{
    *out = (struct ice_request){.url = BUF_INIT(ICE_REQUEST_MAX),
                                .authorization = BUF_INIT(ICE_REQUEST_MAX)};
    if (add_url(in, &out->url) < 0)
        return err_set(err, "%s: %s", in->action,
                       errno == EFBIG ? "the parameters are too long" : "no memory");
    set_headers(in, out);
    return sign(signer, in, out, err);
}

void ice_request_free(struct ice_request *r)
{
    buf_free(&r->url);
    buf_wipe(&r->authorization);
}
