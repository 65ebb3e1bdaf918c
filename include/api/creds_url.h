/* Private to credentials: what a URL says about safety. Pure. */
#ifndef ICE_API_CREDS_URL_H
#define ICE_API_CREDS_URL_H

#include <stdbool.h>
#include <stddef.h>

enum creds_url {
    CREDS_URL_BAD, /* not http(s), no host, a user part, a blank or a control character */
    CREDS_URL_HTTPS,
    CREDS_URL_LOOPBACK, /* http to 127.0.0.0/8, [::1] or localhost */
    CREDS_URL_PLAIN,    /* http to anywhere else */
};

enum creds_url creds_url_kind(const char *url);

/* host[:port] of a URL that is not bad, borrowed. */
const char *creds_url_authority(const char *url, size_t *len);

#endif
