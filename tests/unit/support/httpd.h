/* A scripted HTTP server inside the test: real sockets on loopback, the test's own handler answers.
 *
 * The handler runs on the server's threads, several at once. Faults of a bad network are scripted
 * in the response. */
#ifndef TEST_HTTPD_H
#define TEST_HTTPD_H

#include <stdbool.h>
#include <stddef.h>

struct httpd;

struct httpd_request {
    const char *method;
    const char *path;  /* without the query */
    const char *query; /* raw, "" when none */
    const char *body;
    size_t body_len;
    void *connection_; /* for httpd_header and httpd_param */
};

const char *httpd_header(const struct httpd_request *req, const char *name); /* or NULL */
const char *httpd_param(const struct httpd_request *req,
                        const char *name); /* decoded query parameter or NULL */

struct httpd_response {
    int status;          /* 200 unless set */
    const char *body;    /* copied */
    size_t body_len;     /* 0: strlen(body) */
    const char *headers; /* "Name: value\nName: value", copied; NULL none */
    int delay_ms;        /* before the answer; ends early when the server is stopped */
    bool hang;           /* never answer; until the server is stopped */
    bool close_early;    /* close the connection without an answer */
    size_t cut_after; /* send so many bytes of the body (Content-Length says more), then close; 0:
                         whole */
    bool stall; /* with cut_after: fall silent there, until the server is stopped, then close */
};

typedef void httpd_handler(void *arg, const struct httpd_request *req, struct httpd_response *resp);

struct httpd *httpd_start(httpd_handler *handler,
                          void *arg); /* any free port on 127.0.0.1; fails the test on error */
/* The same behind TLS, with this certificate and key (PEM). */
struct httpd *httpd_start_tls(httpd_handler *handler, void *arg, const char *cert_pem,
                              const char *key_pem);
int httpd_port(const struct httpd *h);
const char *httpd_url(const struct httpd *h);      /* "http://127.0.0.1:PORT", or https */
unsigned httpd_requests(const struct httpd *h);    /* handed to the handler so far */
unsigned httpd_connections(const struct httpd *h); /* accepted so far */
void httpd_stop(struct httpd *h);

#endif
