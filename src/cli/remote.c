#include "cli/remote.h"
#include "api/http.h"
#include "api/ice.h"
#include "cli/options.h"
#include <stdio.h>
#include <string.h>

int remote_resolve(struct remote *r, const struct options *o, struct err *err)
{
    memset(r, 0, sizeof *r);
    r->is_demo = strcmp(o->source, DEMO_SOURCE) == 0;
    if (!r->is_demo)
        return endpoint_resolve(o->source, o->vpc, o->insecure_http, &r->endpoint, err);
    snprintf(r->endpoint.url, sizeof r->endpoint.url, "%s", DEMO_URL);
    return 0;
}

static int open_creds(struct remote *r, const struct options *o, struct err *err)
{
    r->env = (struct creds_env){.profile = o->profile, .ca_file = o->ca, .proxy = o->proxy};
    if (r->is_demo)
        r->env = (struct creds_env){.getenv = demo_getenv, .ctx = &r->demo};
    r->creds = creds_new(&r->env, err);
    return r->creds ? 0 : -1;
}

int remote_open(struct remote *r, const struct options *o, struct err *err)
{
    if (r->is_demo && demo_start(&r->demo, NULL, err) < 0)
        return -1;
    if (http_global_init(err) < 0 || open_creds(r, o, err) < 0)
        return -1;
    struct http_config http = {.ca_file = o->ca,
                               .proxy = r->is_demo ? "" : o->proxy,
                               .unix_socket = r->is_demo ? r->demo.socket : NULL};
    r->http = http_new(&http, err);
    if (!r->http)
        return -1;
    struct ice_config ice = {.endpoint = r->endpoint.url, .http = r->http, .creds = r->creds};
    r->ice = ice_new(&ice, err);
    return r->ice ? 0 : -1;
}

void remote_end_calls(struct remote *r)
{
    if (r->http)
        http_free(r->http);
    r->http = NULL;
}

void remote_close(struct remote *r)
{
    remote_end_calls(r);
    if (r->ice)
        ice_free(r->ice);
    if (r->creds)
        creds_free(r->creds);
    r->ice = NULL;
    r->creds = NULL;
    demo_stop(&r->demo);
}
