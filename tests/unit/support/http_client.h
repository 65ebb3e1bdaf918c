/* Calls through the HTTP engine, as tests make them. */
#ifndef TEST_HTTP_CLIENT_H
#define TEST_HTTP_CLIENT_H

#include "api/http.h"

struct got {
    unsigned times; /* the callback came */
    struct http_reply reply;
};

/* For http_submit: keeps the reply, body and all, in the struct got that is `arg`. */
void got_reply(void *arg, struct http_reply *reply);
void got_free(struct got *g);

/* A POST without a body, as the service's operations are; 5 s. */
struct http_request post_to(const char *url);

/* Pump until the callback has come; fails the test after 5 s. */
void pump_until(struct http *h, const struct got *g);

/* Submit, pump and give what came; fails the test when it cannot be submitted. */
struct got call(struct http *h, const struct http_request *req);

struct http *new_engine(const struct http_config *config); /* NULL: defaults without a proxy */

#endif
