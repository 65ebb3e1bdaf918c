#include "api/errors.h"
#include "base/attr.h"
#include <errno.h>
#include <string.h>

/* How a row's code is compared with the answer's. */
enum match {
    EXACT,  /* the code itself */
    FAMILY, /* the code itself, or the code, a dot, and more */
    STEM,   /* whatever begins with it, where the status leaves the question open */
};

struct row {
    const char *code;
    enum match match;
    enum api_class class;
    const char *hint;
};

#define HINT_CLOCK                                                                                 \
    "set this machine's clock (NTP): the service refuses requests more than 15 minutes off"
#define HINT_DENIED                                                                                \
    "grant this user or role the RAM actions ice:GetMediaProducingJob and "                        \
    "ice:ListMediaProducingJobs"
#define HINT_HOST                                                                                  \
    "check the region or URL: this host does not serve the ICE API of version 2020-11-09 "         \
    "(ice.<region>.aliyuncs.com does)"
#define HINT_THROTTLED "lower -o qps, or ask for a higher API rate limit in Quota Center"

/* The first row that matches counts, so the special stand before their families. */
static const struct row codes[] = {
    {"JobNotFound", EXACT, API_NOT_FOUND,
     "check the job id and the region, and that the job is not older than a year"},

    {"Throttling", FAMILY, API_THROTTLED, HINT_THROTTLED},

    {"ServiceUnavailable", FAMILY, API_TEMPORARY, NULL},
    {"ServiceUnavailableTemporary", EXACT, API_TEMPORARY, NULL},
    {"InternalError", FAMILY, API_TEMPORARY, NULL},
    /* Asking again takes a new nonce. */
    {"SignatureNonceUsed", FAMILY, API_TEMPORARY, NULL},

    {"InvalidTimeStamp", FAMILY, API_CLOCK, HINT_CLOCK},
    {"InvalidTimestamp", FAMILY, API_CLOCK, HINT_CLOCK},

    {"SignatureDoesNotMatch", FAMILY, API_CREDENTIALS,
     "check the access key secret: it does not belong to this access key id"},
    {"InvalidAccessKeyId.Inactive", EXACT, API_CREDENTIALS,
     "enable this access key in the RAM console, or use another"},
    {"InvalidAccessKeyId", FAMILY, API_CREDENTIALS,
     "check the access key id: there is no such key (mistyped, deleted, or of the other site: "
     "aliyun.com and alibabacloud.com keep separate accounts)"},
    {"InvalidSecurityToken.Expired", EXACT, API_CREDENTIALS,
     "get new temporary keys: the security token has expired"},
    {"InvalidSecurityToken", FAMILY, API_CREDENTIALS,
     "give the security token whole and with the very access key that it was issued with"},
    {"MissingSecurityToken", FAMILY, API_CREDENTIALS,
     "give the security token too: this access key is a temporary one"},

    {"Forbidden", FAMILY, API_DENIED, HINT_DENIED},
    {"NoPermission", FAMILY, API_DENIED, HINT_DENIED},
    {"InvalidIdentity.ServiceDisabled", EXACT, API_DENIED,
     "open the service ICE (Intelligent Media Services) for this account in the console, and "
     "check that no bill is overdue"},

    {"InvalidAction", FAMILY, API_BAD_REQUEST, HINT_HOST},
    {"InvalidApi", FAMILY, API_BAD_REQUEST, HINT_HOST},
    {"InvalidVersion", FAMILY, API_BAD_REQUEST, HINT_HOST},
    {"InvalidProtocol.NeedSsl", EXACT, API_BAD_REQUEST, "give an https:// URL"},
    {"Missing", STEM, API_BAD_REQUEST, NULL},
    {"Invalid", STEM, API_BAD_REQUEST, NULL},
};

/* Where a status says less than a stem of seven letters: 200, 400 and 404 carry all kinds of
 * codes; 401, 403, 429 and 5xx speak for themselves. */
static bool status_is_vague(int status)
{
    return status < 400 || status == 400 || status == 404;
}

static bool row_matches(const struct row *row, int status, const char *code)
{
    size_t n = strlen(row->code);
    if (strncmp(code, row->code, n) != 0)
        return false;
    switch (row->match) {
    case EXACT:
        return code[n] == '\0';
    case FAMILY:
        return code[n] == '\0' || code[n] == '.';
    case STEM:
        return status_is_vague(status);
    }
    return false;
}

static const struct row *find_row(int status, const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (row_matches(&codes[i], status, code))
            return &codes[i];
    return NULL;
}

/* What a status means when the code says nothing. Never "not found": a proxy's 404 knows nothing
 * of jobs. */
static enum api_class classify_status(int status, bool has_code)
{
    switch (status) {
    case 401:
        return API_CREDENTIALS;
    case 403:
    case 407:
        return API_DENIED;
    case 404:
        return API_BROKEN;
    case 408:
        return API_TEMPORARY;
    case 429:
        return API_THROTTLED;
    default:
        break;
    }
    if (status >= 500 && status <= 599)
        return API_TEMPORARY;
    /* With a code it is the service that refuses; without one, something in between. */
    return status >= 400 && status <= 499 && has_code ? API_BAD_REQUEST : API_BROKEN;
}

enum api_class api_classify(int status, const char *code, bool retry_after)
{
    const struct row *row = find_row(status, code);
    if (row && row->class == API_NOT_FOUND)
        return API_NOT_FOUND;
    if (retry_after && status >= 400 && status <= 599)
        return API_THROTTLED;
    return row ? row->class : classify_status(status, *code != '\0');
}

enum api_class api_classify_net(enum api_net net)
{
    switch (net) {
    case API_NET_NONE:
        return API_OK;
    case API_NET_TIMEOUT:
    case API_NET_UNREACHABLE:
    case API_NET_BROKEN:
    case API_NET_TLS:
        return API_TEMPORARY;
    case API_NET_TOO_BIG:
        return API_BROKEN;
    }
    return API_BROKEN;
}

static int net_errno(enum api_net net)
{
    switch (net) {
    case API_NET_TIMEOUT:
        return ETIMEDOUT;
    case API_NET_UNREACHABLE:
        return EHOSTUNREACH;
    case API_NET_NONE:
    case API_NET_BROKEN:
    case API_NET_TLS:
    case API_NET_TOO_BIG:
        return EIO;
    }
    return EIO;
}

static const struct {
    const char *name;
    int error; /* 0: net_errno decides */
} classes[] = {
    [API_OK] = {"ok", 0},
    [API_NOT_FOUND] = {"not_found", ENOENT},
    [API_BAD_REQUEST] = {"bad_request", EINVAL},
    [API_DENIED] = {"denied", EACCES},
    [API_CREDENTIALS] = {"credentials", EACCES},
    [API_CLOCK] = {"clock", EACCES},
    [API_THROTTLED] = {"throttled", EAGAIN},
    [API_TEMPORARY] = {"temporary", 0},
    [API_BROKEN] = {"broken", EPROTO},
};

const char *api_class_name(enum api_class c)
{
    return classes[c].name;
}

int api_errno(enum api_class c, enum api_net net)
{
    if (c == API_TEMPORARY)
        return net_errno(net);
    return classes[c].error;
}

static const char *net_hint(enum api_net net)
{
    switch (net) {
    case API_NET_TIMEOUT:
        return "check the way to the service: network, firewall, -o proxy; inside a VPC without a "
               "way out use -o vpc";
    case API_NET_UNREACHABLE:
        return "check the region or the host's name, and that this machine resolves it and reaches "
               "its port (DNS, firewall, -o proxy)";
    case API_NET_TLS:
        return "check that the URL has the name in the server's certificate, and give the "
               "authority that signed it with -o ca=FILE if it is a private one";
    case API_NET_NONE:
    case API_NET_BROKEN:
    case API_NET_TOO_BIG:
        return NULL;
    }
    return NULL;
}

static const char *status_hint(int status)
{
    if (status == 407)
        return "the proxy wants a login: give it in -o proxy";
    if (status == 429)
        return HINT_THROTTLED;
    if (status >= 300 && status <= 399)
        return "check the URL: something answers in the service's place and sends elsewhere "
               "(a proxy, a login page)";
    return NULL;
}

const char *api_hint(int status, const char *code, enum api_net net)
{
    if (net != API_NET_NONE)
        return net_hint(net);
    const struct row *row = find_row(status, code);
    return row ? row->hint : status_hint(status);
}
