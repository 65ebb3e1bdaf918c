/* One transfer: a copied request, the answer as it comes in, and who wants to know. Private to the
 * HTTP engine.
 *
 * Made on any thread, handed over through the engine's queue, and from then on touched by the
 * owner thread alone. */
#ifndef ICE_API_HTTP_TRANSFER_H
#define ICE_API_HTTP_TRANSFER_H

#include "api/http.h"
#include <curl/curl.h>

struct http_transfer {
    struct http_transfer *next; /* in the engine's queue */
    http_done_fn *done;
    void *arg;

    char *url;     /* NULL: nothing to send, only `done` to be called (http_defer) */
    char *peer;    /* "host:port" or "unix:PATH", for messages */
    bool by_proxy; /* the configuration's; the environment's is not seen */
    char *method;
    struct curl_slist *headers; /* n_headers in a row, of the lines; NULL: none */
    size_t n_headers;
    struct buf header_lines;
    char *body;
    size_t body_len;
    int64_t connect_timeout_ms, stall_timeout_ms, timeout_ms;
    size_t max_reply;
    bool secret;

    int64_t submitted_ms;
    bool started;     /* given to curl: before that it waits for a free slot */
    bool connected;   /* from here on silence counts as a stall */
    int64_t moved_ms; /* when the last byte moved, once connected */
    curl_off_t uploaded;
    size_t header_bytes;
    bool too_big, no_memory; /* why a callback stopped the transfer */
    char curl_words[CURL_ERROR_SIZE];
    struct http_reply reply;
};

/* Check and copy a request. NULL with `err`: a method, URL or header that must not be sent, a
 * timeout that is none, no memory. */
struct http_transfer *http_transfer_new(const struct http_config *config,
                                        const struct http_request *req, struct err *err);

/* A transfer of nothing, for http_defer. NULL without memory. */
struct http_transfer *http_transfer_empty(struct err *err);

/* Wipes the headers and the body, which may hold keys, and the answer if it is secret. NULL is
 * nothing. */
void http_transfer_free(struct http_transfer *t);

/* The callbacks of a curl easy handle; `transfer` is the struct http_transfer. */
size_t http_transfer_on_header(char *line, size_t size, size_t n, void *transfer);
size_t http_transfer_on_body(char *bytes, size_t size, size_t n, void *transfer);
int http_transfer_on_connected(void *transfer, char *peer_ip, char *own_ip, int peer_port,
                               int own_port);

/* When it must have ended or moved again (clock_mono_ms). */
int64_t http_transfer_deadline(const struct http_transfer *t);

/* End the answer as failed: no status, no body, `net` and the error's text. */
void http_transfer_fail(struct http_transfer *t, enum api_net net, const char *fmt, ...)
    ICE_PRINTF(3, 4);

#endif
