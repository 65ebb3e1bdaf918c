/* The command line of icejobfs-sim: one table for parser and help. */
#ifndef ICE_SIM_OPTIONS_H
#define ICE_SIM_OPTIONS_H

#include "base/buf.h"
#include "base/err.h"
#include "sim/service.h"

enum sim_run { SIM_RUN_SERVE, SIM_RUN_HELP, SIM_RUN_VERSION };

struct sim_options {
    enum sim_run run;
    const char *listen;
    const char *tls_cert, *tls_key; /* file names, NULL: plain HTTP */
    int ready_fd;                   /* -1: none */
    struct sim_config config;       /* without the keys */
};

/* Texts are borrowed from argv. 0, or -1 with `err`. */
int sim_options_parse(int argc, char **argv, struct sim_options *o, struct err *err) ICE_MUST_CHECK;

/* 0 or -1. */
int sim_options_help(struct buf *out) ICE_MUST_CHECK;

#endif
