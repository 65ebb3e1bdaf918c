/* icejobfs-sim: the service, simulated. docs/simulator.md is its manual. From the edge inwards:
 *
 *   options            the command line
 *   listen             the socket
 *   server             HTTP: one event loop
 *   server_exchange    a call that waits, or is sent
 *   answer             bodies sent in pieces
 *   control            the control path /_sim/
 *   service            a request in, a reply out
 *   fault, strike      faults on order, and what they do to a call
 *   verify, nonce      the signature
 *   reply, xml         bodies
 *   stats              what was seen (map, window)
 *   list, token        filters and pages
 *   request, param     what a request holds
 *   world, patches     all jobs; those that the control path made
 *   births, life, text, job
 *                      a generated job as a function of seed, index and time
 *   clock, dice, id, out
 *                      simulated time, randomness, ids, writing JSON
 */
#include "base/random.h"
#include "sim/options.h"
#include "sim/server.h"
#include "version.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#define PEM_MAX (1U << 20)

static int print_help(void)
{
    struct buf CLEANUP_BUF text = BUF_INIT(64U << 10);
    return sim_options_help(&text) < 0 || fputs(buf_str(&text), stdout) < 0 ? 1 : 0;
}

static int copy_env(const char *name, char *out, size_t max, struct err *err)
{
    const char *value = getenv(name);
    if (!value)
        return 0;
    if (strlen(value) >= max)
        return err_set(err, "reading %s: it is too long", name);
    memcpy(out, value, strlen(value) + 1);
    return 0;
}

/* From the environment, or made up: both or none. 1: made; 0; -1. */
static int find_keys(struct sim_keys *keys, struct err *err)
{
    if (copy_env("ALIBABA_CLOUD_ACCESS_KEY_ID", keys->id, sizeof(keys->id), err) < 0 ||
        copy_env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", keys->secret, sizeof(keys->secret), err) < 0 ||
        copy_env("ALIBABA_CLOUD_SECURITY_TOKEN", keys->token, sizeof(keys->token), err) < 0)
        return -1;
    if (keys->id[0] && keys->secret[0])
        return 0;
    if (keys->id[0] || keys->secret[0])
        return err_set(err,
                       "reading the key pair: ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET go together");
    char hex[33];
    random_hex32(hex);
    snprintf(keys->id, sizeof(keys->id), "LTAI%.20s", hex);
    random_hex32(hex);
    snprintf(keys->secret, sizeof(keys->secret), "%.30s", hex);
    return 1;
}

/* The signals that end it, as a descriptor for the loop. */
static int ending_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Hundreds of calls may hang at the same time. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int read_pem(const char *path, struct buf *out, struct err *err)
{
    FILE *file = path ? fopen(path, "re") : NULL;
    char block[4096];
    size_t n;
    int rc;
    if (!path)
        return 0;
    if (!file)
        return err_set(err, "reading %s: %s", path, strerror(errno));
    do {
        n = fread(block, 1, sizeof(block), file);
        rc = buf_add(out, block, n);
    } while (rc == 0 && n == sizeof(block));
    if (rc < 0 || ferror(file))
        rc = err_set(err, "reading %s: it cannot be read, or is too large", path);
    fclose(file);
    return rc;
}

static int announce(const struct sim_options *o, const struct sim_listener *l, bool made,
                    struct err *err)
{
    const char *scheme = l->is_unix ? "" : o->tls_cert ? "https://" : "http://";
    char CLEANUP_FREE *line = NULL;
    if (asprintf(&line, "listening %s%s\n", scheme, l->address) < 0)
        return err_set(err, "announcing the address: no memory");
    fputs(line, stdout);
    if (made)
        printf("ALIBABA_CLOUD_ACCESS_KEY_ID=%s\nALIBABA_CLOUD_ACCESS_KEY_SECRET=%s\n",
               o->config.keys.id, o->config.keys.secret);
    if (fflush(stdout) != 0)
        return err_set(err, "announcing the address: %s", strerror(errno));
    if (o->ready_fd < 0)
        return 0;
    ssize_t n = write(o->ready_fd, line, strlen(line));
    if (n < 0)
        return err_set(err, "announcing the address at descriptor %d: %s", o->ready_fd,
                       strerror(errno));
    if (o->ready_fd > STDERR_FILENO)
        close(o->ready_fd);
    return 0;
}

static int serve_at(const struct sim_options *o, const struct sim_listener *l, bool made,
                    struct sim_service *service, struct err *err)
{
    struct buf CLEANUP_BUF cert = BUF_INIT(PEM_MAX);
    struct buf CLEANUP_BUF key = BUF_INIT(PEM_MAX);
    int CLEANUP_FD signals = ending_signals();
    if (signals < 0)
        return err_set(err, "starting: signalfd: %s", strerror(errno));
    if (read_pem(o->tls_cert, &cert, err) < 0 || read_pem(o->tls_key, &key, err) < 0)
        return -1;
    struct sim_server_config config = {service, l, o->tls_cert ? buf_str(&cert) : NULL,
                                       o->tls_cert ? buf_str(&key) : NULL};
    struct sim_server *server = sim_server_new(&config, err);
    if (!server)
        return -1;
    int rc = announce(o, l, made, err);
    if (rc == 0)
        rc = sim_server_run(server, signals, err);
    sim_server_free(server);
    return rc;
}

static int serve(struct sim_options *o, struct err *err)
{
    struct sim_listener listener;
    int made = find_keys(&o->config.keys, err);
    if (made < 0 || sim_listen(o->listen, &listener, err) < 0)
        return -1;
    raise_file_limit();
    struct sim_service *service = sim_service_new(&o->config, sim_server_now(), err);
    int rc = service ? serve_at(o, &listener, made == 1, service, err) : -1;
    sim_service_free(service);
    sim_listener_close(&listener);
    return rc;
}

int main(int argc, char **argv)
{
    struct sim_options options;
    struct err err;
    if (sim_options_parse(argc, argv, &options, &err) < 0) {
        fprintf(stderr, "icejobfs-sim: %s\n", err.text);
        return 2;
    }
    switch (options.run) {
    case SIM_RUN_HELP:
        return print_help();
    case SIM_RUN_VERSION:
        puts("icejobfs-sim " ICEJOBFS_VERSION);
        return 0;
    case SIM_RUN_SERVE:
        break;
    }
    if (serve(&options, &err) < 0) {
        fprintf(stderr, "icejobfs-sim: %s\n", err.text);
        return 1;
    }
    return 0;
}
