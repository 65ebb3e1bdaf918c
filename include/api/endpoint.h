/* SOURCE -> endpoint. Pure. */
#ifndef ICE_API_ENDPOINT_H
#define ICE_API_ENDPOINT_H

#include "base/err.h"
#include <stdbool.h>

#define ENDPOINT_MAX 512

struct endpoint {
    char url[ENDPOINT_MAX]; /* http(s)://host[:port] without a trailing slash */
    char region[64];        /* of the service's own hosts too; "" for a URL of no known region */
};

/* A region (`cn-shanghai` -> https://ice.cn-shanghai.aliyuncs.com; with `vpc` ice-vpc.) or an
 * http(s) URL without path, query and user part, which `vpc` does not change. An unknown region is
 * refused with the nearest known name; plain http is refused but for loopback (127.0.0.0/8, [::1],
 * localhost, by the literal), unless `insecure_http`. The host comes out in lower case and the
 * scheme's own port is left out, as HTTP clients do in the Host header. 0, or -1 with `err`, which
 * never quotes what may be a password; `out` is then unchanged. */
int endpoint_resolve(const char *source, bool vpc, bool insecure_http, struct endpoint *out,
                     struct err *err);

#endif
