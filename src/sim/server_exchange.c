#include "sim/server_exchange.h"
#include "base/clock.h"
#include "sim/answer.h"
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BLOCK (64U << 10)

/* --- parking --- */

static int socket_of(const struct sim_exchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

static void park(struct sim_exchange *x, int64_t due_ms)
{
    struct sim_server *s = x->server;
    struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = x};
    x->parked = true;
    x->due_ms = due_ms;
    x->previous = NULL;
    x->next = s->parked;
    if (s->parked)
        s->parked->previous = x;
    s->parked = x;
    if (due_ms < s->earliest_ms)
        s->earliest_ms = due_ms;
    MHD_suspend_connection(x->connection);
    /* Should this fail, the client's leaving is noticed later, when the call is due. */
    (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, socket_of(x), &event);
}

void sim_exchange_unlink(struct sim_exchange *x)
{
    struct sim_server *s = x->server;
    *(x->previous ? &x->previous->next : &s->parked) = x->next;
    if (x->next)
        x->next->previous = x->previous;
    x->parked = false;
    (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, socket_of(x), NULL);
}

void sim_exchange_unpark(struct sim_exchange *x, bool drop)
{
    sim_exchange_unlink(x);
    if (drop)
        x->stage = SIM_STAGE_DROP;
    MHD_resume_connection(x->connection);
}

static bool orphaned(const struct sim_exchange *x)
{
    return x->reply.wire == SIM_WIRE_HANG && x->stage == SIM_STAGE_READY &&
           !sim_faults_has(&x->server->service->faults, x->reply.fault_id);
}

void sim_exchange_release(struct sim_server *s, int64_t now_ms)
{
    s->earliest_ms = INT64_MAX;
    for (struct sim_exchange *x = s->parked, *next; x; x = next) {
        next = x->next;
        if (orphaned(x))
            sim_exchange_unpark(x, true);
        else if (x->due_ms <= now_ms)
            sim_exchange_unpark(x, false);
        else if (x->due_ms < s->earliest_ms)
            s->earliest_ms = x->due_ms;
    }
}

/* --- answering --- */

static ssize_t give_piece(void *arg, uint64_t pos, char *out, size_t max)
{
    struct sim_exchange *x = arg;
    int64_t now_ms = clock_mono_ms();
    if (x->stage == SIM_STAGE_DROP)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (x->reply.wire == SIM_WIRE_SLOW && now_ms < x->next_ms) {
        park(x, x->next_ms);
        return 0;
    }
    x->next_ms = now_ms + x->reply.pace_ms;
    size_t n = sim_answer_piece(&x->reply, pos, out, max);
    return n > 0 ? (ssize_t)n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *make_response(struct sim_exchange *x)
{
    if (x->reply.wire != SIM_WIRE_WHOLE)
        return MHD_create_response_from_callback(sim_answer_length(&x->reply), BLOCK, give_piece, x,
                                                 NULL);
    size_t n = x->reply.body.len;
    char *body = n ? buf_take(&x->reply.body) : NULL;
    if (!body)
        return MHD_create_response_from_buffer(0, (void *)(uintptr_t)"", MHD_RESPMEM_PERSISTENT);
    return MHD_create_response_from_buffer(n, body, MHD_RESPMEM_MUST_FREE);
}

/* `Name: value` lines; what libmicrohttpd refuses is left out. */
static void add_lines(struct MHD_Response *response, char *lines)
{
    char *rest;
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *colon = strstr(line, ": ");
        if (!colon)
            continue;
        *colon = '\0';
        (void)MHD_add_response_header(response, line, colon + 2);
    }
}

static enum MHD_Result send_reply(struct sim_exchange *x)
{
    char date[SIM_DATE_LEN];
    struct MHD_Response *response = make_response(x);
    if (!response)
        return MHD_NO;
    sim_answer_date(x->reply.date_s, date);
    if (x->reply.content_type)
        MHD_add_response_header(response, "Content-Type", x->reply.content_type);
    MHD_add_response_header(response, "Date", date);
    MHD_add_response_header(response, "x-acs-request-id", x->reply.request_id);
    if (x->reply.headers.data)
        add_lines(response, x->reply.headers.data);
    enum MHD_Result rc = MHD_queue_response(x->connection, (unsigned)x->reply.status, response);
    MHD_destroy_response(response);
    x->stage = SIM_STAGE_SENT;
    return rc;
}

/* A reset, not an orderly end: the client's read fails at once. */
static enum MHD_Result break_off(struct sim_exchange *x)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(socket_of(x), SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    return MHD_NO;
}

enum MHD_Result sim_exchange_proceed(struct sim_exchange *x)
{
    switch (x->reply.wire) {
    case SIM_WIRE_HANG:
        park(x, INT64_MAX);
        return MHD_YES;
    case SIM_WIRE_RESET:
        return break_off(x);
    case SIM_WIRE_WHOLE:
    case SIM_WIRE_CUT:
    case SIM_WIRE_SLOW:
    case SIM_WIRE_HUGE:
        break;
    }
    return send_reply(x);
}

enum MHD_Result sim_exchange_start(struct sim_exchange *x)
{
    x->stage = SIM_STAGE_READY;
    if (x->reply.delay_ms <= 0)
        return sim_exchange_proceed(x);
    park(x, clock_mono_ms() + x->reply.delay_ms);
    return MHD_YES;
}
