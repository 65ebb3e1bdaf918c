#include "api/http_easy.h"
#include "api/http_transfer.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <string.h>

/* How long sent bytes may stay unacknowledged. A connection that died silently (sleep, NAT,
 * changed network) would otherwise swallow each request put on it until TCP gives up, after a
 * quarter of an hour: with HTTP/2 a timed-out request leaves its connection open for the next. */
#define UNACKNOWLEDGED_MAX_MS 5000U

static const struct {
    CURLoption option;
    long value;
} always[] = {
    {CURLOPT_NOSIGNAL, 1L},
    {CURLOPT_FOLLOWLOCATION, 0L},
    {CURLOPT_NETRC, (long)CURL_NETRC_IGNORED},
    {CURLOPT_SSL_VERIFYPEER, 1L},
    {CURLOPT_SSL_VERIFYHOST, 2L},
    {CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS},
    {CURLOPT_HTTP09_ALLOWED, 0L},
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L},
    {CURLOPT_TCP_NODELAY, 1L},
    /* Ending a transfer must not wait for a name look-up that hangs. */
    {CURLOPT_QUICK_EXIT, 1L},
};

static int on_socket(void *unused, curl_socket_t fd, curlsocktype purpose)
{
    (void)unused;
    (void)purpose;
    unsigned ms = UNACKNOWLEDGED_MAX_MS;
    /* Unix sockets have no such option and need none. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
    return CURL_SOCKOPT_OK;
}

/* libcurl has each connection give its buffers (two of 17 KB) back after each record, for those who
 * have thousands of connections. Ours are few, and always at work. */
static CURLcode on_tls(CURL *easy, void *tls, void *unused)
{
    (void)easy;
    (void)unused;
    SSL_CTX_clear_mode((SSL_CTX *)tls, SSL_MODE_RELEASE_BUFFERS);
    return CURLE_OK;
}

/* With another TLS library than OpenSSL the buffers are its own affair. */
static bool keep_buffers(CURL *easy)
{
    const char *tls = curl_version_info(CURLVERSION_NOW)->ssl_version;
    return !tls || strncmp(tls, "OpenSSL/", 8) != 0 ||
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls) == CURLE_OK;
}

static bool set_always(CURL *easy)
{
    bool ok = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        ok &= curl_easy_setopt(easy, always[i].option, always[i].value) == CURLE_OK;
    ok &= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, http_transfer_on_header) == CURLE_OK;
    ok &= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_transfer_on_body) == CURLE_OK;
    ok &= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, http_transfer_on_connected) == CURLE_OK;
    ok &= curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket) == CURLE_OK;
    return ok && keep_buffers(easy);
}

static bool set_config(CURL *easy, const struct http_config *config)
{
    bool ok = true;
    if (config->ca_file) {
        /* This file alone: what the system trusts besides is not meant. */
        ok &= curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file) == CURLE_OK;
        ok &= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
    }
    if (config->unix_socket) {
        ok &= curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, config->unix_socket) == CURLE_OK;
        ok &= curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
    } else if (config->proxy) {
        ok &= curl_easy_setopt(easy, CURLOPT_PROXY, config->proxy) == CURLE_OK;
    }
    return ok;
}

CURL *http_easy_new(const struct http_config *config, struct err *err)
{
    CURL *easy = curl_easy_init();
    if (easy && set_always(easy) && set_config(easy, config))
        return easy;
    curl_easy_cleanup(easy);
    err_set(err, "HTTP: libcurl refuses the options that are needed (no memory, or a build "
                 "without TLS or HTTP/2)");
    return NULL;
}

static bool set_method(CURL *easy, const struct http_transfer *t)
{
    if (strcmp(t->method, "GET") == 0 && t->body_len == 0)
        return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    return curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, t->method) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body_len) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS, t->body) == CURLE_OK;
}

int http_easy_arm(CURL *easy, struct http_transfer *t)
{
    bool ok = set_method(easy, t);
    ok &= curl_easy_setopt(easy, CURLOPT_URL, t->url) == CURLE_OK;
    ok &= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
    ok &= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->curl_words) == CURLE_OK;
    ok &= curl_easy_setopt(easy, CURLOPT_HEADERDATA, t) == CURLE_OK;
    ok &= curl_easy_setopt(easy, CURLOPT_WRITEDATA, t) == CURLE_OK;
    ok &= curl_easy_setopt(easy, CURLOPT_PREREQDATA, t) == CURLE_OK;
    ok &=
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)t->connect_timeout_ms) == CURLE_OK;
    ok &= curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->max_reply) == CURLE_OK;
    return ok ? 0 : -1;
}

void http_easy_disarm(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, NULL);
}
