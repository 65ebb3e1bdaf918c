#include "api/creds_url.h"
#include <string.h>
#include <strings.h>

static const char *after_scheme(const char *url)
{
    if (strncasecmp(url, "http://", 7) == 0)
        return url + 7;
    return strncasecmp(url, "https://", 8) == 0 ? url + 8 : NULL;
}

const char *creds_url_authority(const char *url, size_t *len)
{
    const char *host = after_scheme(url);
    *len = host ? strcspn(host, "/?#") : 0;
    return host;
}

static bool odd_character(const char *url)
{
    for (; *url; url++)
        if (*url <= ' ' || *url > '~' || *url == '\\')
            return true;
    return false;
}

/* Four numbers, the first of them 127. A mere prefix would let 127.example.com pass. */
static bool is_loopback_v4(const char *host, size_t len)
{
    return len >= 7 && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= len;
}

static bool is_loopback(const char *host, size_t len)
{
    if (len >= 5 && strncmp(host, "[::1]", 5) == 0)
        return len == 5 || host[5] == ':';
    const char *colon = memchr(host, ':', len);
    if (colon)
        len = (size_t)(colon - host);
    return (len == 9 && strncasecmp(host, "localhost", 9) == 0) || is_loopback_v4(host, len);
}

enum creds_url creds_url_kind(const char *url)
{
    size_t len;
    const char *host = creds_url_authority(url, &len);
    if (!host || len == 0 || odd_character(url) || memchr(host, '@', len))
        return CREDS_URL_BAD;
    if (strncasecmp(url, "https", 5) == 0)
        return CREDS_URL_HTTPS;
    return is_loopback(host, len) ? CREDS_URL_LOOPBACK : CREDS_URL_PLAIN;
}
