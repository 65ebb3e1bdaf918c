/* The listening socket: TCP `HOST:PORT`, `[V6]:PORT`, or `unix:PATH`. */
#ifndef ICE_SIM_LISTEN_H
#define ICE_SIM_LISTEN_H

#include "base/err.h"
#include <stdbool.h>

struct sim_listener {
    int fd;
    bool is_unix;
    char path[108];    /* of a unix socket */
    char address[160]; /* "127.0.0.1:4711" with the real port, or "unix:PATH" */
};

/* A unix socket is mode 0600; a stale file is replaced, one in use is not. 0, or -1 with `err`. */
int sim_listen(const char *where, struct sim_listener *l, struct err *err) ICE_MUST_CHECK;

/* Close it and remove the socket file. */
void sim_listener_close(struct sim_listener *l);

#endif
