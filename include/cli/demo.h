/* SOURCE `demo`: the simulator as a child of ours, behind a unix socket in a private directory,
 * with a key pair made for this run. */
#ifndef ICE_CLI_DEMO_H
#define ICE_CLI_DEMO_H

#include "base/err.h"
#include <sys/types.h>

#define DEMO_SOURCE "demo"
#define DEMO_URL                                                                                   \
    "http://localhost" /* what requests are signed for; the socket decides where to                \
                        */

struct demo {
    pid_t pid;       /* 0: not running */
    char dir[64];    /* "" while there is none */
    char socket[80]; /* dir/sock */
    char key_id[33];
    char key_secret[33];
};

/* Start icejobfs-sim (found beside this program, else in PATH) and wait until it listens; `program`
 * NULL, or another program to start. It ends with us, whatever ends us. 0, or -1 and nothing
 * remains. Before any thread. */
int demo_start(struct demo *d, const char *program, struct err *err);

/* End it, remove what it left, wipe the keys. Zeroed memory is fine. */
void demo_stop(struct demo *d);

/* For creds_env.getenv, with the struct as ctx: the key pair and nothing else. */
const char *demo_getenv(void *demo, const char *name);

#endif
