#include "api/http_outcome.h"
#include "api/http_transfer.h"
#include <inttypes.h>
#include <string.h>

/* What is not here broke while talking. */
static const struct {
    CURLcode code;
    enum api_net net;
} table[] = {
    {CURLE_OPERATION_TIMEDOUT, API_NET_TIMEOUT},
    {CURLE_COULDNT_RESOLVE_HOST, API_NET_UNREACHABLE},
    {CURLE_COULDNT_RESOLVE_PROXY, API_NET_UNREACHABLE},
    {CURLE_COULDNT_CONNECT, API_NET_UNREACHABLE},
    {CURLE_PROXY, API_NET_UNREACHABLE},
    {CURLE_SSL_CONNECT_ERROR, API_NET_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, API_NET_TLS},
    {CURLE_SSL_CERTPROBLEM, API_NET_TLS},
    {CURLE_SSL_CIPHER, API_NET_TLS},
    {CURLE_SSL_CACERT_BADFILE, API_NET_TLS},
    {CURLE_SSL_ISSUER_ERROR, API_NET_TLS},
    {CURLE_SSL_INVALIDCERTSTATUS, API_NET_TLS},
    {CURLE_FILESIZE_EXCEEDED, API_NET_TOO_BIG},
#if LIBCURL_VERSION_NUM >= 0x080600 /* which has a ceiling of its own for headers */
    {CURLE_TOO_LARGE, API_NET_TOO_BIG},
#endif
};

static enum api_net net_of(CURLcode code)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].code == code)
            return table[i].net;
    return API_NET_BROKEN;
}

/* curl's own words, or the code's where it left none. */
static const char *words(const struct http_transfer *t, CURLcode code)
{
    return t->curl_words[0] ? t->curl_words : curl_easy_strerror(code);
}

/* Why a connection was not made: the kernel's word is clearer than curl's. */
static const char *why_not_connected(CURL *easy, const struct http_transfer *t, CURLcode code)
{
    long os_errno = 0;
    if (code == CURLE_COULDNT_CONNECT)
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
    return os_errno ? strerror((int)os_errno) : words(t, code);
}

static void fail_unreachable(CURL *easy, CURLcode code, struct http_transfer *t)
{
    const char *what =
        code == CURLE_COULDNT_RESOLVE_HOST ? "cannot find the address of" : "cannot connect to";
    http_transfer_fail(t, API_NET_UNREACHABLE, "%s %s%s: %s", what, t->peer,
                       t->by_proxy ? " through the proxy" : "", why_not_connected(easy, t, code));
}

static void fail(CURL *easy, CURLcode code, struct http_transfer *t)
{
    enum api_net net = t->too_big ? API_NET_TOO_BIG : net_of(code);
    switch (net) {
    case API_NET_TIMEOUT:
        /* curl itself only watches connecting. */
        http_transfer_fail(t, net, "no connection to %s within %" PRId64 " ms", t->peer,
                           t->connect_timeout_ms);
        return;
    case API_NET_UNREACHABLE:
        fail_unreachable(easy, code, t);
        return;
    case API_NET_TLS:
        http_transfer_fail(t, net, "%s %s: %s",
                           code == CURLE_SSL_CONNECT_ERROR ? "no TLS with" : "no trust in", t->peer,
                           words(t, code));
        return;
    case API_NET_TOO_BIG:
        http_transfer_fail(t, net, "the answer of %s is too big: more than %zu bytes%s", t->peer,
                           t->max_reply,
                           code == CURLE_FILESIZE_EXCEEDED ? "" : ", or very many headers");
        return;
    case API_NET_NONE:
    case API_NET_BROKEN:
        http_transfer_fail(t, API_NET_BROKEN, "the talk with %s broke off: %s", t->peer,
                           t->no_memory ? "no memory" : words(t, code));
        return;
    }
}

void http_outcome(CURL *easy, CURLcode result, struct http_transfer *t)
{
    if (result != CURLE_OK) {
        fail(easy, result, t);
        return;
    }
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    t->reply.net = API_NET_NONE;
    t->reply.status = (int)status;
}

void http_outcome_late(struct http_transfer *t)
{
    bool stalled = t->connected && http_transfer_deadline(t) < t->submitted_ms + t->timeout_ms;
    const char *what = !t->started       ? "no free connection to"
                       : !t->connected   ? "no connection to"
                       : t->header_bytes ? "no whole answer from"
                                         : "no answer from";
    if (stalled)
        http_transfer_fail(t, API_NET_TIMEOUT, "%s fell silent for %" PRId64 " ms", t->peer,
                           t->stall_timeout_ms);
    else
        http_transfer_fail(t, API_NET_TIMEOUT, "%s %s within %" PRId64 " ms", what, t->peer,
                           t->timeout_ms);
}
