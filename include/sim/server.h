/* HTTP around the service: one thread, one event loop; calls that wait (delay, hang, slow) are set
 * aside and cost nothing meanwhile. */
#ifndef ICE_SIM_SERVER_H
#define ICE_SIM_SERVER_H

#include "sim/listen.h"
#include "sim/service.h"

struct sim_server;

struct sim_server_config {
    struct sim_service *service;       /* borrowed */
    const struct sim_listener *socket; /* borrowed */
    const char *tls_cert, *tls_key;    /* PEM texts, or both NULL: plain HTTP */
};

struct sim_server *sim_server_new(const struct sim_server_config *config, struct err *err);

/* The times of this moment, finer than milliseconds: rates are measured with them. */
struct sim_now sim_server_now(void);

/* Serve until stop_fd is readable. 0, or -1 with `err`. */
int sim_server_run(struct sim_server *s, int stop_fd, struct err *err);

/* Calls under way are closed. */
void sim_server_free(struct sim_server *s);

#endif
