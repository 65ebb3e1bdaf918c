/* The simulator's service behind the fixture's server: thousands of jobs, windows, order, tokens
 * and refusals as it has them. */
#ifndef TEST_LIVE_SIMULATED_H
#define TEST_LIVE_SIMULATED_H

#include "live/fixture.h"
#include "sim/service.h"
#include <stdlib.h>

#define SIMULATED_SEED    11
#define SIMULATED_REPLIES 256 /* more than are under way at once */

struct simulated {
    pthread_mutex_t lock; /* protects all below */
    struct sim_service *s;
    unsigned newest_first; /* lists in that order: discovery's */
    uint64_t gets_before;  /* Gets that came before the last list */
    int64_t last_list_ms;
    struct sim_reply replies[SIMULATED_REPLIES]; /* the last so many: the server copies them */
    unsigned n_replies;
};

static inline struct sim_now simulated_now(void)
{
    return (struct sim_now){clock_mono_ms() * NS_PER_MS, clock_real_ns()};
}

static inline int64_t simulated_ms(const struct simulated *x)
{
    return sim_clock_ms(&x->s->clock, simulated_now().mono_ns);
}

/* `jobs` of up to `span_ms` ago; none is born. `ended`: all have ended by now. */
static inline void simulated_init(struct simulated *x, uint64_t jobs, int64_t span_ms, bool ended)
{
    const struct sim_config config = {.seed = SIMULATED_SEED,
                                      .jobs = jobs,
                                      .span_ms = span_ms,
                                      .speed = 1,
                                      .keys = {"LTAI-test", "secret-of-the-test", ""}};
    struct sim_now now = simulated_now();
    memset(x, 0, sizeof *x);
    mutex_init(&x->lock);
    now.real_ns -= ended ? 600 * NS_PER_S : 0; /* longer than any lives */
    x->s = sim_service_new(&config, now, NULL);
    assert_non_null(x->s);
    if (ended)
        sim_clock_advance(&x->s->clock, now.mono_ns, 600 * MS_PER_S);
}

static inline void simulated_free(struct simulated *x)
{
    for (unsigned i = 0; i < SIMULATED_REPLIES; i++)
        sim_reply_free(&x->replies[i]);
    sim_service_free(x->s);
    mutex_destroy(&x->lock);
}

static inline void simulated_note(struct simulated *x, const struct httpd_request *req)
{
    const char *order = httpd_param(req, "SortBy");
    if (strcmp(httpd_header(req, "x-acs-action"), SIM_ACTION_LIST) != 0)
        return;
    x->newest_first += order && strcmp(order, "CreationTime:Desc") == 0;
    x->gets_before = x->s->stats.get;
    x->last_list_ms = clock_mono_ms();
}

static inline void simulated_serve(void *arg, const struct httpd_request *req,
                                   struct httpd_response *resp)
{
    static const char *const names[] = {"Host",
                                        "Accept",
                                        "Authorization",
                                        "x-acs-action",
                                        "x-acs-version",
                                        "x-acs-date",
                                        "x-acs-signature-nonce",
                                        "x-acs-content-sha256",
                                        "x-acs-accesskey-id"};
    char target[2048];
    struct simulated *x = arg;
    struct sim_request r = {.method = req->method, .target = target, .body = ""};
    snprintf(target, sizeof target, "/?%s", req->query);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = httpd_header(req, names[i]);
        if (value)
            r.headers[r.n_headers++] = (struct sim_header){names[i], value};
    }
    LOCK_SCOPE(&x->lock);
    struct sim_reply *reply = &x->replies[x->n_replies++ % SIMULATED_REPLIES];
    sim_reply_free(reply);
    sim_reply_init(reply);
    simulated_note(x, req);
    assert_int_equal(sim_service_call(x->s, &r, simulated_now(), reply), 0);
    *resp = (struct httpd_response){.status = reply->status,
                                    .body = buf_str(&reply->body),
                                    .body_len = reply->body.len,
                                    .delay_ms = (int)reply->delay_ms};
}

/* One number of it, read under its lock. */
#define SIMULATED(x, what)                                                                         \
    ({                                                                                             \
        mutex_lock(&(x)->lock);                                                                    \
        __typeof__((x)->what) simulated_value_ = (x)->what;                                        \
        mutex_unlock(&(x)->lock);                                                                  \
        simulated_value_;                                                                          \
    })

static inline uint64_t simulated_fault(struct simulated *x, const char *json)
{
    struct err err = {""};
    LOCK_SCOPE(&x->lock);
    uint64_t id = sim_faults_add(&x->s->faults, json, &err);
    if (id == 0)
        fail_msg("%s", err.text);
    return id;
}

static inline void simulated_no_faults(struct simulated *x)
{
    LOCK_SCOPE(&x->lock);
    sim_faults_clear(&x->s->faults);
}

/* A job that stands still: created `age_s` ago, with further members as JSON (", ..." or ""). */
static inline void simulated_put(struct simulated *x, const char *id, const char *status,
                                 int64_t age_s, const char *more)
{
    char json[1024], born[CLOCK_ISO_LEN];
    struct err err = {""};
    clock_iso(clock_real_ns() / NS_PER_S - age_s, born);
    snprintf(json, sizeof json, "{\"Status\":\"%s\",\"CreateTime\":\"%s\"%s}", status, born, more);
    LOCK_SCOPE(&x->lock);
    if (sim_patches_put(&x->s->world.patches, id, NULL, simulated_ms(x), json, &err) < 0)
        fail_msg("%s", err.text);
}

static inline void simulated_id(uint64_t index, char id[SIM_ID_LEN])
{
    sim_id_make(SIMULATED_SEED, SIM_ID_JOB, index, id);
}

static inline uint64_t simulated_gets_of(struct simulated *x, const char *id)
{
    LOCK_SCOPE(&x->lock);
    const uint64_t *n = sim_map_find(&x->s->stats.by_job, id);
    return n ? *n : 0;
}

/* No call was refused. */
static inline bool simulated_content(struct simulated *x)
{
    LOCK_SCOPE(&x->lock);
    return x->s->stats.refused.used == 0;
}

#endif
