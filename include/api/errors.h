/* The error table: what the service or the network said -> class -> errno and policy. Nothing else
 * decides.
 *
 * Sources: the API's error pages (Throttling is 400, not 429), the SDKs, and what gateways answer
 * that is not JSON. */
#ifndef ICE_API_ERRORS_H
#define ICE_API_ERRORS_H

#include <stdbool.h>
#include <stdint.h>

enum api_class {
    API_OK,
    API_NOT_FOUND, /* the service said JobNotFound */
    API_BAD_REQUEST,
    API_DENIED,
    API_CREDENTIALS, /* renewing may help */
    API_CLOCK,       /* correcting by the answer's Date may help */
    API_THROTTLED,
    API_TEMPORARY,
    API_BROKEN, /* an answer that is no answer: cut, empty, not JSON, another job's */
};

/* How the network failed, where no answer came. Decides the errno of API_TEMPORARY. */
enum api_net {
    API_NET_NONE,        /* an HTTP answer came */
    API_NET_TIMEOUT,     /* no answer in time: ETIMEDOUT */
    API_NET_UNREACHABLE, /* no address, refused, reset while connecting: EHOSTUNREACH */
    API_NET_BROKEN,      /* cut while talking: EIO */
    API_NET_TLS,         /* the certificate or the handshake: EIO */
    API_NET_TOO_BIG,     /* past the ceiling: a broken reply */
};

const char *api_class_name(enum api_class c); /* "not_found", ... for metrics and logs */

/* Class of an HTTP answer that is not data. `code` is the API's own ("" when there was none),
 * compared exactly or, where the service has families (Throttling.User, Missing*, Invalid*), by the
 * documented prefix. `status` decides where the code is not known: 401 credentials, 403 denied, 408
 * and 5xx temporary, 429 throttled; other 4xx are bad requests if they carry a code, and all else
 * is broken, a 404 included. `retry_after`: the answer carried a positive x-acs-retry-after, which
 * makes any 4xx or 5xx throttling, but for JobNotFound. */
enum api_class api_classify(int status, const char *code, bool retry_after);

/* Class where no answer came; API_OK for API_NET_NONE. */
enum api_class api_classify_net(enum api_net net);

/* The errno that a reader without content gets (positive: ENOENT, EINVAL, EACCES, EAGAIN,
 * ETIMEDOUT, EHOSTUNREACH, EIO, EPROTO), 0 for API_OK. ENOENT for API_NOT_FOUND alone. */
int api_errno(enum api_class c, enum api_net net);

/* The advice that goes behind the service's words in a message for the user: what to do about this
 * code, or NULL. For instance InvalidAccessKeyId.NotFound -> "check the access key id: ...". One
 * sentence, without a full stop, to stand behind "; " or in brackets. Static. */
const char *api_hint(int status, const char *code, enum api_net net);

#endif
