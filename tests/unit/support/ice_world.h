/* The two operations against a scripted server, with keys from a made-up environment. */
#ifndef TEST_ICE_WORLD_H
#define TEST_ICE_WORLD_H

#include "api/creds.h"
#include "api/http.h"
#include "api/ice.h"
#include "support/httpd.h"

#define JOB    "cdb3e74639973036bc84aaaabbbbcccc"
#define KEY    "testid-0123456789"
#define SECRET "testsecret"
#define DATA   "{\"RequestId\":\"R\",\"MediaProducingJob\":{\"JobId\":\"" JOB "\"}}"

#define SENT_NAMES 13
extern const char *const sent_names[SENT_NAMES]; /* the headers that the server keeps */

struct world {
    const char *token;
    struct httpd_response response;
    char query[1024];              /* of the last request */
    char headers[SENT_NAMES][512]; /* "" when absent */
    struct httpd *httpd;
    struct http *http;
    struct creds *creds;
    struct ice *ice;
};

/* `token`: NULL for a permanent pair. `load`: walk the chain; without it there are no keys. */
struct world *world_new(const char *token, bool load);
void world_free(struct world *w);

/* A header of the last request, "" when it was absent. */
const char *world_sent(const struct world *w, const char *name);

struct told {
    unsigned times;
    struct ice_answer answer; /* with the body; keys are gone */
    bool had_keys;
};

/* For ice_get and ice_list: keeps the answer in the struct told that is `arg`. */
void keep_answer(void *arg, struct ice_answer *a);
void world_pump_until(struct world *w, const struct told *t);

/* One GetMediaProducingJob of JOB, answered so. */
struct told world_get(struct world *w, struct httpd_response response);
struct told world_get_text(struct world *w, int status, const char *body);

#endif
