/* The HTTP engine: one owner thread pumps all transfers of an engine (curl multi). Other threads
 * only submit.
 *
 * Always: TLS verified, redirects refused, http and https alone, `Accept: application/json` unless
 * given, no Expect, no signals, connect and total deadlines, a ceiling on the answer. HTTP/2 where
 * offered, connections kept. libcurl's types stay inside. */
#ifndef ICE_API_HTTP_H
#define ICE_API_HTTP_H

#include "api/errors.h"
#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_REPLY_MAX ((size_t)16 << 20) /* the most bytes of a body */

struct http;

struct http_config {
    const char *ca_file;     /* NULL: the system's */
    const char *proxy;       /* NULL: as libcurl's environment says; "" : none */
    const char *unix_socket; /* NULL; a path: connect there, whatever the host (simulator, tests) */
    unsigned max_connections; /* 0: 64 */
};

struct http_header {
    const char *name;
    const char *value;
};

struct http_request {
    const char *method; /* GET, POST or PUT */
    const char *url;
    const struct http_header *headers; /* Content-Type is sent only if it is among them */
    size_t n_headers;
    const void *body;
    size_t body_len;
    int64_t connect_timeout_ms; /* name look-up and TLS included; 0: only timeout_ms */
    int64_t stall_timeout_ms; /* no byte moves for so long: the transfer ends as timed out; 0: only
                                 timeout_ms */
    int64_t timeout_ms;       /* from http_submit to the callback; more than 0 */
    size_t max_reply;         /* 0: HTTP_REPLY_MAX */
    bool secret_reply;        /* wipe the body when it is freed (credentials) */
};

struct http_reply {
    enum api_net net; /* API_NET_NONE: an answer came, and `status` counts */
    int status;
    struct buf body;
    char *content_type;     /* or NULL */
    int64_t date_unix_s;    /* the Date header, 0 when absent or malformed */
    int64_t retry_after_ms; /* x-acs-retry-after, milliseconds, 0 when absent or not positive */
    int64_t took_ms;
    struct err
        error; /* where net is not NONE: curl's own words, without URL parameters or headers */
};

/* Called on the thread that pumps. The reply is borrowed for the call; buf_take(&reply->body) may
 * take the body. */
typedef void http_done_fn(void *arg, struct http_reply *reply);

/* NULL with `err` (a CA file that cannot be read is said here, by name). Copies the config. */
struct http *http_new(const struct http_config *config, struct err *err);

/* Every submitted transfer still gets its callback (API_NET_BROKEN, "shutting down"). By the owner
 * thread or after it. */
void http_free(struct http *h);

/* From any thread. Copies the request. 0, or -1 with `err` and no callback. */
int http_submit(struct http *h, const struct http_request *req, http_done_fn *done, void *arg,
                struct err *err);

/* Call `done` with an empty reply (net NONE, status 0) on the thread that pumps, at its next turn:
 * for answers that need no network. From any thread. 0, or -1 with `err` and no callback. */
int http_defer(struct http *h, http_done_fn *done, void *arg, struct err *err);

/* The owner thread: move bytes and run callbacks; where there were none, wait for at most `wait_ms`
 * or until http_submit, http_wakeup, a socket or a transfer's deadline. So whoever pumps in a loop
 * sees at once what a callback has changed. */
void http_pump(struct http *h, int64_t wait_ms);

/* End http_pump's wait, or its next one. From any thread. */
void http_wakeup(struct http *h);

/* Do one transfer on the calling thread, apart from the pump, with the same rules (credentials,
 * doctor). The caller frees with http_reply_free. Always fills `reply`. */
void http_fetch(const struct http_config *config, const struct http_request *req,
                struct http_reply *reply);
void http_reply_free(struct http_reply *reply, bool secret);

/* curl_global_init, once, before threads. 0 or -1. */
int http_global_init(struct err *err);

#endif
