#include "sim/server.h"
#include "base/clock.h"
#include "sim/control.h"
#include "sim/server_exchange.h"
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

/* The loop is ours: libmicrohttpd runs inside it (MHD_run) and everything happens on one thread.
 * A call that has to wait is parked (sim/server_exchange.h). */

#define REQUEST_MAX     (1U << 20)
#define CONNECTIONS_MAX 8192
#define HEADERS_MEMORY  (64U << 10) /* of a connection: head of the request and of the answer */

/* --- requests --- */

static enum MHD_Result take_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct sim_request *r = arg;
    (void)kind;
    if (r->n_headers == SIM_HEADERS_MAX)
        return MHD_NO;
    r->headers[r->n_headers++] = (struct sim_header){name, value ? value : ""};
    return MHD_YES;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *v6 = (const void *)address;
    return address->sa_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
            (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127));
}

static bool may_control(const struct sim_exchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return x->server->is_unix || (info && info->client_addr && is_loopback(info->client_addr));
}

struct sim_now sim_server_now(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct sim_now){t.tv_sec * NS_PER_S + t.tv_nsec, clock_real_ns()};
}

static int call_service(struct sim_exchange *x, const struct sim_request *r)
{
    struct sim_server *s = x->server;
    struct sim_now now = sim_server_now();
    if (sim_control_owns(r->target) && may_control(x)) {
        int rc = sim_control_call(s->service, r, now, &x->reply);
        s->earliest_ms = 0; /* a fault may be gone: look at the parked */
        return rc;
    }
    s->service->stats.inflight++;
    x->counted = true;
    return sim_service_call(s->service, r, now, &x->reply);
}

static enum MHD_Result handle(struct sim_exchange *x, const char *method)
{
    struct sim_request r = {
        .method = method, .target = x->target, .body = buf_str(&x->body), .body_len = x->body.len};
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, take_header, &r);
    if (call_service(x, &r) < 0)
        return MHD_NO;
    return sim_exchange_start(x);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context)
{
    struct sim_exchange *x = *context;
    (void)arg, (void)url, (void)version;
    if (!x)
        return MHD_NO;
    x->connection = connection;
    switch (x->stage) {
    case SIM_STAGE_FRESH:
        x->stage = SIM_STAGE_READING;
        return MHD_YES;
    case SIM_STAGE_READING:
        if (*upload_size == 0)
            return handle(x, method);
        if (buf_add(&x->body, upload, *upload_size) < 0)
            return MHD_NO;
        *upload_size = 0;
        return MHD_YES;
    case SIM_STAGE_READY:
        return sim_exchange_proceed(x);
    case SIM_STAGE_SENT:
    case SIM_STAGE_DROP:
        break;
    }
    return MHD_NO;
}

/* The first that is heard of a request: its line as sent. The result becomes *context. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *connection)
{
    struct sim_exchange *x = calloc(1, sizeof(*x));
    char *copy = x ? strdup(target) : NULL;
    if (!copy) {
        free(x);
        return NULL;
    }
    x->server = arg;
    x->connection = connection;
    x->target = copy;
    x->body = BUF_INIT(REQUEST_MAX);
    sim_reply_init(&x->reply);
    return x;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why)
{
    struct sim_exchange *x = *context;
    (void)arg, (void)connection, (void)why;
    if (!x)
        return;
    if (x->parked)
        sim_exchange_unlink(x);
    if (x->counted)
        x->server->service->stats.inflight--;
    sim_reply_free(&x->reply);
    buf_free(&x->body);
    free(x->target);
    free(x);
    *context = NULL;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct sim_server *s = arg;
    (void)connection, (void)context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        s->service->stats.connections++;
        s->service->stats.open++;
    } else {
        s->service->stats.open--;
    }
}

/* --- the loop --- */

static int milliseconds_to_wait(struct sim_server *s)
{
    MHD_UNSIGNED_LONG_LONG theirs;
    int64_t wait = INT_MAX;
    if (MHD_get_timeout(s->daemon, &theirs) == MHD_YES && theirs < INT_MAX)
        wait = (int64_t)theirs;
    if (s->earliest_ms != INT64_MAX) {
        int64_t ours = s->earliest_ms - clock_mono_ms();
        wait = ours < wait ? ours : wait;
    }
    return wait < 0 ? 0 : wait == INT_MAX ? -1 : (int)wait;
}

/* Marks in epoll_event.data.ptr beside the exchanges. */
static char daemon_mark, stop_mark;

/* false: time to stop. */
static bool dispatch(const struct epoll_event *events, int n)
{
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == &stop_mark)
            return false;
        if (events[i].data.ptr != &daemon_mark)
            sim_exchange_unpark(events[i].data.ptr, true);
    }
    return true;
}

static int watch(struct sim_server *s, int fd, void *mark)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = mark};
    return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

int sim_server_run(struct sim_server *s, int stop_fd, struct err *err)
{
    if (watch(s, stop_fd, &stop_mark) < 0)
        return err_set(err, "serving: watching for the end: %s", strerror(errno));
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(s->epoll_fd, events, (int)ARRAY_LEN(events), milliseconds_to_wait(s));
        if (n < 0 && errno != EINTR)
            return err_set(err, "serving: epoll_wait: %s", strerror(errno));
        if (!dispatch(events, n))
            return 0;
        int64_t now_ms = clock_mono_ms();
        if (now_ms >= s->earliest_ms)
            sim_exchange_release(s, now_ms);
        MHD_run(s->daemon);
    }
}

/* --- making and ending --- */

static struct MHD_Daemon *start_daemon(struct sim_server *s, const struct sim_server_config *config)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)config->tls_cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)config->tls_key},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    if (config->tls_cert)
        flags |= MHD_USE_TLS;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, config->socket->fd,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_CONNECTION_LIMIT,
        CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MEMORY,
        MHD_OPTION_ARRAY, config->tls_cert ? tls : none, MHD_OPTION_END);
}

static int start(struct sim_server *s, const struct sim_server_config *config, struct err *err)
{
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll_fd < 0)
        return err_set(err, "starting the server: epoll: %s", strerror(errno));
    s->daemon = start_daemon(s, config);
    if (!s->daemon)
        return err_set(err, "starting the server at %s: libmicrohttpd refuses%s",
                       config->socket->address, config->tls_cert ? " (certificate or key?)" : "");
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || watch(s, info->epoll_fd, &daemon_mark) < 0)
        return err_set(err, "starting the server: watching its sockets: %s", strerror(errno));
    return 0;
}

struct sim_server *sim_server_new(const struct sim_server_config *config, struct err *err)
{
    struct sim_server *s = calloc(1, sizeof(*s));
    if (!s) {
        err_set(err, "starting the server: no memory");
        return NULL;
    }
    s->service = config->service;
    s->is_unix = config->socket->is_unix;
    s->epoll_fd = -1;
    s->earliest_ms = INT64_MAX;
    if (start(s, config, err) < 0) {
        sim_server_free(s);
        return NULL;
    }
    return s;
}

void sim_server_free(struct sim_server *s)
{
    if (!s)
        return;
    /* libmicrohttpd must not stop with suspended calls. */
    while (s->parked)
        sim_exchange_unpark(s->parked, true);
    if (s->daemon) {
        MHD_run(s->daemon);
        MHD_stop_daemon(s->daemon);
    }
    ice_cleanup_fd(&s->epoll_fd);
    free(s);
}
