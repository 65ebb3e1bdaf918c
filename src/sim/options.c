#include "sim/options.h"
#include "base/num.h"
#include <limits.h>
#include <string.h>

struct option;
typedef int take_fn(struct sim_options *o, const char *value);

static int take_listen(struct sim_options *o, const char *value)
{
    o->listen = value;
    return 0;
}

static int take_jobs(struct sim_options *o, const char *value)
{
    return num_parse_u64(value, 0, 10000000, &o->config.jobs);
}

static int take_seed(struct sim_options *o, const char *value)
{
    return num_parse_u64(value, 0, UINT64_MAX, &o->config.seed);
}

static int take_qps(struct sim_options *o, const char *value)
{
    return num_parse_u64(value, 0, SIM_WINDOW_MAX, &o->config.qps);
}

/* A decimal number without exponent, as durations have it. */
static int take_speed(struct sim_options *o, const char *value)
{
    int64_t thousandths;
    if (strspn(value, "0123456789.") != strlen(value) ||
        num_parse_duration(value, &thousandths) < 0)
        return -1;
    o->config.speed = (double)thousandths / 1000;
    return o->config.speed > 0 && o->config.speed <= SIM_SPEED_MAX ? 0 : -1;
}

static int take_span(struct sim_options *o, const char *value)
{
    return num_parse_duration(value, &o->config.span_ms);
}

static int take_every(struct sim_options *o, const char *value)
{
    return num_parse_duration(value, &o->config.every_ms);
}

static int take_tls_cert(struct sim_options *o, const char *value)
{
    o->tls_cert = value;
    return 0;
}

static int take_tls_key(struct sim_options *o, const char *value)
{
    o->tls_key = value;
    return 0;
}

static int take_ready_fd(struct sim_options *o, const char *value)
{
    uint64_t fd;
    if (num_parse_u64(value, 0, INT_MAX, &fd) < 0)
        return -1;
    o->ready_fd = (int)fd;
    return 0;
}

static int take_help(struct sim_options *o, const char *value)
{
    (void)value;
    o->run = SIM_RUN_HELP;
    return 0;
}

static int take_version(struct sim_options *o, const char *value)
{
    (void)value;
    o->run = SIM_RUN_VERSION;
    return 0;
}

static const struct option {
    const char *name;
    const char *value; /* what it takes; NULL: nothing */
    take_fn *take;
    const char *help;
} options[] = {
    {"--listen", "ADDRESS", take_listen, "127.0.0.1:PORT (0: any free one) or unix:PATH; needed"},
    {"--jobs", "N", take_jobs, "jobs at the start; with 0 none is ever born (default 20)"},
    {"--span", "DURATION", take_span, "age of the oldest of them (default 20h)"},
    {"--every", "DURATION", take_every, "a new job in each such time; 0: none (default 20s)"},
    {"--speed", "X", take_speed, "simulated time runs X times as fast (default 1)"},
    {"--seed", "N", take_seed, "the same seed gives the same run (default 1)"},
    {"--qps", "N", take_qps, "refuse more calls in a second; 0: no limit (default 0)"},
    {"--tls-cert", "FILE", take_tls_cert, "serve HTTPS with this certificate (PEM)"},
    {"--tls-key", "FILE", take_tls_key, "and this key (PEM)"},
    {"--ready-fd", "N", take_ready_fd, "write the first line there too when ready, and close it"},
    {"--help", NULL, take_help, "this text"},
    {"--version", NULL, take_version, "the version"},
};

/* The option of that name; `--name=value` puts the value's place into *value. */
static const struct option *find(const char *arg, const char **value)
{
    size_t n = strcspn(arg, "=");
    *value = arg[n] ? arg + n + 1 : NULL;
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (strlen(options[i].name) == n && strncmp(options[i].name, arg, n) == 0)
            return &options[i];
    return NULL;
}

/* Take argv[*at] and the value that may follow. */
static int parse_one(int argc, char **argv, int *at, struct sim_options *o, struct err *err)
{
    const char *value;
    const struct option *option = find(argv[*at], &value);
    if (!option)
        return err_set(err, "unknown option '%s' (try --help)", argv[*at]);
    if (!option->value && value)
        return err_set(err, "%s takes no value", option->name);
    if (option->value && !value) {
        if (++*at >= argc)
            return err_set(err, "%s needs a value: %s", option->name, option->value);
        value = argv[*at];
    }
    if (option->take(o, value) < 0)
        return err_set(err, "%s: '%s' does not fit: %s", option->name, value, option->help);
    return 0;
}

int sim_options_parse(int argc, char **argv, struct sim_options *o, struct err *err)
{
    *o = (struct sim_options){
        .ready_fd = -1,
        .config = {.seed = 1, .jobs = 20, .span_ms = 72000000, .every_ms = 20000, .speed = 1}};
    for (int at = 1; at < argc; at++)
        if (parse_one(argc, argv, &at, o, err) < 0)
            return -1;
    if (o->run != SIM_RUN_SERVE)
        return 0;
    if (!o->listen)
        return err_set(err, "--listen is needed (try --help)");
    if (!o->tls_cert != !o->tls_key)
        return err_set(err, "--tls-cert and --tls-key go together");
    return 0;
}

int sim_options_help(struct buf *out)
{
    if (buf_adds(out,
                 "usage: icejobfs-sim --listen 127.0.0.1:0|unix:PATH [OPTION]...\n\n"
                 "Plays GetMediaProducingJob and ListMediaProducingJobs over simulated time.\n\n") <
        0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (buf_addf(out, "  %-10s %-9s %s\n", options[i].name,
                     options[i].value ? options[i].value : "", options[i].help) < 0)
            return -1;
    return buf_adds(out, "\nThe key pair comes from ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET (with\n"
                         "ALIBABA_CLOUD_SECURITY_TOKEN if set), or is made and printed.\n");
}
