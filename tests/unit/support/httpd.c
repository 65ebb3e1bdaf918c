#include "support/httpd.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/thread.h"
#include <microhttpd.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BODY_MAX     ((size_t)32 << 20)
#define HEADERS_ROOM ((size_t)64 << 10) /* MHD clears so much after each request */
#define FOREVER_MS   600000

struct httpd {
    struct MHD_Daemon *daemon;
    httpd_handler *handler;
    void *arg;
    char url[64];
    int port;
    atomic_uint requests, connections;
    pthread_mutex_t lock; /* protects stopping */
    pthread_cond_t stop;
    bool stopping;
};

/* A body that ends before its Content-Length, for MHD's content reader. */
struct short_body {
    struct httpd *server;
    char *bytes;
    size_t len;
    bool stall;
};

/* Wait, but no longer than the server lives. One thread a connection, so nobody else is kept. */
static void wait_ms(struct httpd *h, int64_t ms)
{
    int64_t deadline = clock_mono_ms() + ms;
    LOCK_SCOPE(&h->lock);
    while (!h->stopping && cond_wait_until(&h->stop, &h->lock, deadline))
        ;
}

static ssize_t read_short_body(void *cls, uint64_t pos, char *out, size_t max)
{
    struct short_body *s = cls;
    if (pos >= s->len) {
        if (s->stall)
            wait_ms(s->server, FOREVER_MS);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t n = s->len - (size_t)pos < max ? s->len - (size_t)pos : max;
    memcpy(out, s->bytes + pos, n);
    return (ssize_t)n;
}

static void free_short_body(void *cls)
{
    struct short_body *s = cls;
    free(s->bytes);
    free(s);
}

static struct MHD_Response *make_short(struct httpd *h, const struct httpd_response *r, size_t len)
{
    struct short_body *s = calloc(1, sizeof *s);
    char *bytes = malloc(r->cut_after);
    if (!s || !bytes)
        abort();
    memcpy(bytes, r->body, r->cut_after);
    *s = (struct short_body){h, bytes, r->cut_after, r->stall};
    return MHD_create_response_from_callback(len, 4096, read_short_body, s, free_short_body);
}

static void add_headers(struct MHD_Response *response, const char *headers)
{
    char *text = strdup(headers);
    if (!text)
        abort();
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *value = strstr(line, ": ");
        if (!value)
            abort();
        *value = '\0';
        if (MHD_add_response_header(response, line, value + 2) != MHD_YES)
            abort();
    }
    free(text);
}

static enum MHD_Result respond(struct httpd *h, struct MHD_Connection *c,
                               const struct httpd_response *r)
{
    if (r->delay_ms > 0)
        wait_ms(h, r->delay_ms);
    if (r->hang)
        wait_ms(h, FOREVER_MS);
    if (r->hang || r->close_early)
        return MHD_NO;
    const char *body = r->body ? r->body : "";
    size_t len = r->body_len ? r->body_len : strlen(body);
    bool cut = r->cut_after > 0 && r->cut_after < len;
    struct MHD_Response *response =
        cut ? make_short(h, r, len)
            : MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
    if (r->headers)
        add_headers(response, r->headers);
    enum MHD_Result ok = MHD_queue_response(c, r->status ? (unsigned)r->status : 200, response);
    MHD_destroy_response(response);
    return ok;
}

/* A request while it comes in. */
struct incoming {
    struct buf uri; /* as sent: MHD gives the path and the decoded parameters alone */
    struct buf body;
    bool begun; /* MHD calls once for the headers, before the body */
};

static void *keep_uri(void *cls, const char *uri, struct MHD_Connection *c)
{
    (void)cls;
    (void)c;
    struct incoming *in = calloc(1, sizeof *in);
    if (!in)
        abort();
    in->uri.max = HEADERS_ROOM;
    in->body.max = BODY_MAX;
    if (buf_adds(&in->uri, uri) < 0)
        abort();
    return in;
}

static void forget_request(void *cls, struct MHD_Connection *c, void **con_cls,
                           enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)c;
    (void)code;
    struct incoming *in = *con_cls;
    if (!in)
        return;
    buf_free(&in->uri);
    buf_free(&in->body);
    free(in);
    *con_cls = NULL;
}

static enum MHD_Result serve(void *cls, struct MHD_Connection *c, const char *path,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_len, void **con_cls)
{
    (void)version;
    struct httpd *h = cls;
    struct incoming *in = *con_cls;
    if (*upload_len > 0) {
        int rc = buf_add(&in->body, upload, *upload_len);
        *upload_len = 0;
        return rc < 0 ? MHD_NO : MHD_YES;
    }
    if (!in->begun) {
        in->begun = true;
        return MHD_YES;
    }
    atomic_fetch_add(&h->requests, 1);
    const char *query = strchr(buf_str(&in->uri), '?');
    const struct httpd_request req = {.method = method,
                                      .path = path,
                                      .query = query ? query + 1 : "",
                                      .body = buf_str(&in->body),
                                      .body_len = in->body.len,
                                      .connection_ = c};
    struct httpd_response resp = {0};
    h->handler(h->arg, &req, &resp);
    return respond(h, c, &resp);
}

static void count_connection(void *cls, struct MHD_Connection *c, void **socket_cls,
                             enum MHD_ConnectionNotificationCode code)
{
    (void)c;
    (void)socket_cls;
    struct httpd *h = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        atomic_fetch_add(&h->connections, 1);
}

const char *httpd_header(const struct httpd_request *req, const char *name)
{
    return MHD_lookup_connection_value(req->connection_, MHD_HEADER_KIND, name);
}

const char *httpd_param(const struct httpd_request *req, const char *name)
{
    return MHD_lookup_connection_value(req->connection_, MHD_GET_ARGUMENT_KIND, name);
}

static void open_daemon(struct httpd *h, const struct MHD_OptionItem *options)
{
    struct sockaddr_in any_port = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION;
    if (options[0].option != MHD_OPTION_END)
        flags |= MHD_USE_TLS;
    h->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, serve, h, MHD_OPTION_SOCK_ADDR, &any_port,
        MHD_OPTION_URI_LOG_CALLBACK, keep_uri, NULL, MHD_OPTION_NOTIFY_COMPLETED, forget_request,
        NULL, MHD_OPTION_NOTIFY_CONNECTION, count_connection, h, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        HEADERS_ROOM, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!h->daemon)
        fail_msg("cannot start the test's HTTP server");
}

static struct httpd *start(httpd_handler *handler, void *arg, const char *scheme,
                           const struct MHD_OptionItem *options)
{
    struct httpd *h = calloc(1, sizeof *h);
    if (!h)
        fail_msg("no memory for the test's HTTP server");
    h->handler = handler;
    h->arg = arg;
    mutex_init(&h->lock);
    cond_init(&h->stop);
    open_daemon(h, options);
    h->port = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    snprintf(h->url, sizeof h->url, "%s://127.0.0.1:%d", scheme, h->port);
    return h;
}

struct httpd *httpd_start(httpd_handler *handler, void *arg)
{
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    return start(handler, arg, "http", none);
}

struct httpd *httpd_start_tls(httpd_handler *handler, void *arg, const char *cert_pem,
                              const char *key_pem)
{
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert_pem},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key_pem},
        {MHD_OPTION_END, 0, NULL}};
    return start(handler, arg, "https", tls);
}

int httpd_port(const struct httpd *h)
{
    return h->port;
}

const char *httpd_url(const struct httpd *h)
{
    return h->url;
}

unsigned httpd_requests(const struct httpd *h)
{
    return atomic_load(&h->requests);
}

unsigned httpd_connections(const struct httpd *h)
{
    return atomic_load(&h->connections);
}

void httpd_stop(struct httpd *h)
{
    mutex_lock(&h->lock);
    h->stopping = true;
    cond_broadcast(&h->stop);
    mutex_unlock(&h->lock);
    MHD_stop_daemon(h->daemon);
    cond_destroy(&h->stop);
    mutex_destroy(&h->lock);
    free(h);
}
