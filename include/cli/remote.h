/* The way to the service, put together from the options: endpoint, credentials, HTTP engine, the
 * two operations; for `demo` also the simulator. What mount and doctor have in common. */
#ifndef ICE_CLI_REMOTE_H
#define ICE_CLI_REMOTE_H

#include "api/creds.h"
#include "api/endpoint.h"
#include "base/err.h"
#include "cli/demo.h"
#include <stdbool.h>

struct http;
struct ice;
struct options;

#define REMOTE_CREDS_MS                                                                            \
    15000 /* the longest that the chain of credentials may take at the start                       \
           */

struct remote {
    struct endpoint endpoint;
    bool is_demo;
    struct demo demo;
    struct creds_env env;
    struct creds *creds;
    struct http *http;
    struct ice *ice;
};

/* SOURCE -> endpoint; pure. 0 or -1. */
int remote_resolve(struct remote *r, const struct options *o, struct err *err);

/* After remote_resolve: make the rest; nothing is asked yet, no thread runs. `o` is borrowed until
 * remote_close. 0, or -1; remote_close afterwards in both cases. */
int remote_open(struct remote *r, const struct options *o, struct err *err);

/* End the calls under way: their callbacks run now. What they use must still be there. */
void remote_end_calls(struct remote *r);

void remote_close(struct remote *r);

#endif
