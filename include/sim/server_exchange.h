/* One request and its answer on a connection, private to server.c and server_exchange.c.
 *
 * A call that has to wait is parked: libmicrohttpd forgets it (suspend), and the server remembers
 * it until it is due, its fault is gone, or its client has left, which is seen on a second watch of
 * the same socket. */
#ifndef ICE_SIM_SERVER_EXCHANGE_H
#define ICE_SIM_SERVER_EXCHANGE_H

#include "sim/server.h"
#include <microhttpd.h>

enum sim_stage {
    SIM_STAGE_FRESH,
    SIM_STAGE_READING, /* the body comes in */
    SIM_STAGE_READY,   /* the reply is made and may go */
    SIM_STAGE_SENT,
    SIM_STAGE_DROP /* close without (more) answer */
};

struct sim_exchange {
    struct sim_server *server;
    struct MHD_Connection *connection;
    enum sim_stage stage;
    char *target;
    struct buf body;
    struct sim_reply reply;
    bool counted;    /* among the calls in flight */
    int64_t due_ms;  /* while parked; INT64_MAX: never */
    int64_t next_ms; /* a dripping body: when its next piece may go */
    bool parked;
    struct sim_exchange *previous, *next; /* in the list of the parked */
};

struct sim_server {
    struct sim_service *service;
    bool is_unix;
    struct MHD_Daemon *daemon;
    int epoll_fd;
    struct sim_exchange *parked;
    int64_t earliest_ms; /* none of the parked is due before; may be too early, never too late */
};

/* Go on parked or with the answer, as the reply says: what a request handler returns. */
enum MHD_Result sim_exchange_start(struct sim_exchange *x);

/* The same for a call that was parked and is due. */
enum MHD_Result sim_exchange_proceed(struct sim_exchange *x);

/* Take it from the parked and let libmicrohttpd go on with it; `drop`: only to close it. */
void sim_exchange_unpark(struct sim_exchange *x, bool drop);

/* Take it from the parked: it has ended. */
void sim_exchange_unlink(struct sim_exchange *x);

/* Let go what is due, and what hangs on a fault that is gone. */
void sim_exchange_release(struct sim_server *s, int64_t now_ms);

#endif
