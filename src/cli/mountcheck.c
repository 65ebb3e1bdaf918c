#include "cli/mountcheck.h"
#include "cli/probe.h"
#include <stdbool.h>
#include <string.h>

#define CHECK_WAY "check SOURCE, the network, and proxies or login pages on the way"

static const struct mountcheck fine = {MOUNTCHECK_FINE, NULL, NULL};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static struct mountcheck decide_net(enum api_net net)
{
    switch (net) {
    case API_NET_TLS:
        return (struct mountcheck){MOUNTCHECK_REFUSE, "the server cannot be verified (TLS)",
                                   CHECK_WAY};
    case API_NET_TIMEOUT:
        return (struct mountcheck){MOUNTCHECK_WARN, "the service does not answer in time",
                                   CHECK_WAY};
    case API_NET_UNREACHABLE:
        return (struct mountcheck){MOUNTCHECK_WARN, "the service cannot be reached", CHECK_WAY};
    case API_NET_BROKEN:
        return (struct mountcheck){MOUNTCHECK_WARN, "the connection to the service broke",
                                   CHECK_WAY};
    case API_NET_TOO_BIG:
        return (struct mountcheck){MOUNTCHECK_WARN, "what answers is not the ICE service",
                                   CHECK_WAY};
    case API_NET_NONE:
        break;
    }
    return fine;
}

/* A status without a code may be a proxy's or a login page's, which is nothing definite. */
static struct mountcheck decide_without_code(enum api_class class)
{
    if (class == API_OK)
        return fine;
    if (class == API_TEMPORARY)
        return (struct mountcheck){MOUNTCHECK_WARN, "the service is at fault at the moment",
                                   "nothing to do here, it will be asked again"};
    return (struct mountcheck){MOUNTCHECK_WARN, "what answers is not the ICE service", CHECK_WAY};
}

static struct mountcheck decide_bad_request(const char *code)
{
    if (begins(code, "InvalidProtocol.NeedSsl"))
        return (struct mountcheck){MOUNTCHECK_REFUSE, "the service refuses plain http",
                                   "use an https:// SOURCE"};
    if (begins(code, "InvalidAction") || begins(code, "InvalidApi") ||
        begins(code, "InvalidVersion"))
        return (struct mountcheck){MOUNTCHECK_REFUSE, "this host is not the ICE service",
                                   "use a region or https://ice.REGION.aliyuncs.com as SOURCE"};
    return (struct mountcheck){MOUNTCHECK_WARN, "the service does not take the request",
                               "check that SOURCE is an ICE endpoint"};
}

static struct mountcheck decide_code(const struct probe *p)
{
    switch (p->class) {
    case API_OK:
    case API_NOT_FOUND:
        return fine;
    case API_DENIED: /* reading single jobs needs no permission to list them */
        if (!begins(p->code, "InvalidIdentity"))
            return fine;
        return (struct mountcheck){MOUNTCHECK_WARN, "ICE is not in service for this account",
                                   "open it in the console"};
    case API_CREDENTIALS:
        return (struct mountcheck){MOUNTCHECK_REFUSE, "the service refuses the credentials",
                                   "check key id, secret and token"};
    case API_BAD_REQUEST:
        return decide_bad_request(p->code);
    case API_CLOCK:
        return (struct mountcheck){MOUNTCHECK_WARN, "the clock of this machine is wrong",
                                   "set it (NTP)"};
    case API_THROTTLED:
        return (struct mountcheck){MOUNTCHECK_WARN, "the service throttles this account",
                                   "use a smaller -o qps"};
    case API_TEMPORARY:
    case API_BROKEN:
        break;
    }
    return decide_without_code(p->class);
}

struct mountcheck mountcheck_decide(const struct probe *p)
{
    struct mountcheck m = p->net != API_NET_NONE ? decide_net(p->net)
                          : *p->code             ? decide_code(p)
                                                 : decide_without_code(p->class);
    const char *hint = api_hint(p->status, p->code, p->net);
    if (m.verdict != MOUNTCHECK_FINE && hint)
        m.fix = hint;
    return m;
}

/* The network's own words, without the advice that may end them ("; ADVICE"). */
static void words_of(const struct probe *p, const char *advice, struct err *out)
{
    *out = p->error;
    char *at = strstr(out->text, advice);
    if (at && at - out->text >= 2)
        at[-2] = '\0';
}

void mountcheck_line(const struct mountcheck *m, const struct probe *p, struct err *out)
{
    struct err words;
    words_of(p, m->fix, &words);
    if (p->net != API_NET_NONE)
        err_set(out, "%s (%s): %s", m->what, words.text, m->fix);
    else if (*p->code)
        err_set(out, "%s (%s, request %s): %s", m->what, p->code,
                *p->request_id ? p->request_id : "unknown", m->fix);
    else
        err_set(out, "%s (HTTP status %d): %s", m->what, p->status, m->fix);
}
