#include "api/ice.h"
#include "api/creds.h"
#include "api/http.h"
#include "api/ice_answer.h"
#include "api/ice_request.h"
#include "base/clock.h"
#include "base/random.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define CALL_LABEL_MAX 160
/* Up to here the clocks agree: the service refuses from 15 minutes on. */
#define CLOCK_TOLERANCE_S 60
/* 2020-01-01 and 2100-01-01: a Date outside is no reason to move our clock. */
#define DATE_MIN_S INT64_C(1577836800)
#define DATE_MAX_S INT64_C(4102444800)
/* Connecting, and silence once connected, may each take this part of a call's time. What hangs then
 * leaves its readers the time for another try. */
#define STALL_PART 3

#define LIST_PARAMETERS_MAX 10
#define NUMBER_LEN          24

struct ice {
    struct http *http;
    struct creds *creds;
    struct acs3 *signer;
    struct ice_host host;
    _Atomic int64_t clock_offset_s;
};

struct operation {
    const char *action;
    const char *member; /* the key that its data has */
};

static const struct operation get_op = {"GetMediaProducingJob", "\"MediaProducingJob\""};
static const struct operation list_op = {"ListMediaProducingJobs", "\"MediaProducingJobList\""};

struct call {
    struct ice *ice;
    const struct operation *op;
    char label[CALL_LABEL_MAX]; /* what is asked, for messages */
    ice_done_fn *done;
    void *arg;
    struct creds_keys *keys; /* NULL: nothing was sent, see no_keys */
    struct err no_keys;
};

struct ice *ice_new(const struct ice_config *config, struct err *err)
{
    struct ice *ice = calloc(1, sizeof *ice);
    if (!ice) {
        err_set(err, "ICE client: no memory");
        return NULL;
    }
    ice->http = config->http;
    ice->creds = config->creds;
    if (ice_host_parse(config->endpoint, &ice->host, err) < 0 || !(ice->signer = acs3_new(err))) {
        ice_free(ice);
        return NULL;
    }
    return ice;
}

void ice_free(struct ice *ice)
{
    if (!ice)
        return;
    acs3_free(ice->signer);
    ice_host_free(&ice->host);
    free(ice);
}

int64_t ice_clock_offset_s(const struct ice *ice)
{
    return atomic_load_explicit(&ice->clock_offset_s, memory_order_relaxed);
}

static int64_t now_s(void)
{
    return clock_real_ns() / NS_PER_S;
}

/* The Date of what is known to be the service's own answer. An offset in force is kept while it is
 * near enough: each answer moving it by a second would help nobody. */
static void learn_clock(struct ice *ice, const struct http_reply *reply, const struct ice_answer *a)
{
    bool of_service = a->class == API_OK || a->code[0];
    if (!of_service || reply->date_unix_s < DATE_MIN_S || reply->date_unix_s > DATE_MAX_S)
        return;
    int64_t seen = reply->date_unix_s - now_s();
    int64_t off = seen - ice_clock_offset_s(ice);
    if (a->class == API_CLOCK || off > CLOCK_TOLERANCE_S || off < -CLOCK_TOLERANCE_S)
        atomic_store_explicit(&ice->clock_offset_s, seen, memory_order_relaxed);
}

static void free_call(struct call *c)
{
    creds_keys_unref(c->keys);
    free(c);
}

static void on_reply(void *arg, struct http_reply *reply)
{
    struct call *c = arg;
    struct ice_answer answer;
    ice_answer_read(c->label, c->op->member, reply, &answer);
    learn_clock(c->ice, reply, &answer);
    answer.keys = c->keys;
    c->done(c->arg, &answer);
    buf_free(&answer.body);
    free_call(c);
}

static void on_no_keys(void *arg, struct http_reply *reply)
{
    (void)reply;
    struct call *c = arg;
    struct ice_answer answer = {.class = API_CREDENTIALS, .error = c->no_keys};
    c->done(c->arg, &answer);
    free_call(c);
}

static int send_signed(struct call *c, const struct acs3_pair *query, size_t n_query,
                       int64_t timeout_ms, struct err *err)
{
    char nonce[33];
    random_hex32(nonce);
    const struct ice_request_input in = {.host = &c->ice->host,
                                         .action = c->op->action,
                                         .query = query,
                                         .n_query = n_query,
                                         .key_id = c->keys->key_id,
                                         .key_secret = c->keys->key_secret,
                                         .token = c->keys->token,
                                         .unix_s = now_s() + ice_clock_offset_s(c->ice),
                                         .nonce = nonce};
    struct ice_request r ICE_CLEANUP(ice_request_free);
    if (ice_request_build(c->ice->signer, &in, &r, err) < 0)
        return -1;
    const struct http_request req = {.method = "POST",
                                     .url = buf_str(&r.url),
                                     .headers = r.headers,
                                     .n_headers = r.n_headers,
                                     .connect_timeout_ms = timeout_ms / STALL_PART,
                                     .stall_timeout_ms = timeout_ms / STALL_PART,
                                     .timeout_ms = timeout_ms,
                                     .max_reply = HTTP_REPLY_MAX};
    return http_submit(c->ice->http, &req, on_reply, c, err);
}

/* `object`: what the operation is about, or "". */
static struct call *new_call(struct ice *ice, const struct operation *op, const char *object,
                             ice_done_fn *done, void *arg, struct err *err)
{
    struct call *c = calloc(1, sizeof *c);
    if (!c) {
        err_set(err, "%s: no memory", op->action);
        return NULL;
    }
    *c = (struct call){.ice = ice, .op = op, .done = done, .arg = arg};
    snprintf(c->label, sizeof c->label, "%s%s%s", op->action, *object ? " " : "", object);
    c->keys = creds_get(ice->creds, &c->no_keys);
    if (!c->keys)
        err_prefix(&c->no_keys, "%s", c->label);
    return c;
}

static int start(struct call *c, const struct acs3_pair *query, size_t n_query, int64_t timeout_ms,
                 struct err *err)
{
    if (!c)
        return -1;
    int rc = c->keys ? send_signed(c, query, n_query, timeout_ms, err)
                     : http_defer(c->ice->http, on_no_keys, c, err);
    if (rc < 0) {
        err_prefix(err, "%s", c->label);
        free_call(c);
    }
    return rc;
}

int ice_get(struct ice *ice, const char *job_id, int64_t timeout_ms, ice_done_fn *done, void *arg,
            struct err *err)
{
    const struct acs3_pair query = {"JobId", job_id};
    return start(new_call(ice, &get_op, job_id, done, arg, err), &query, 1, timeout_ms, err);
}

int ice_list(struct ice *ice, const struct ice_list_query *q, int64_t timeout_ms, ice_done_fn *done,
             void *arg, struct err *err)
{
    char max_results[NUMBER_LEN];
    snprintf(max_results, sizeof max_results, "%u", q->max_results);
    const struct acs3_pair all[LIST_PARAMETERS_MAX] = {
        {"StartTime", q->start_time}, {"EndTime", q->end_time},
        {"Status", q->status},        {"Keyword", q->keyword},
        {"SortBy", q->sort_by},       {"NextToken", q->next_token},
        {"ProjectId", q->project_id}, {"MasterJobId", q->master_job_id},
        {"JobType", q->job_type},     {"MaxResults", q->max_results ? max_results : NULL},
    };
    struct acs3_pair given[LIST_PARAMETERS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < LIST_PARAMETERS_MAX; i++)
        if (all[i].value)
            given[n++] = all[i];
    return start(new_call(ice, &list_op, "", done, arg, err), given, n, timeout_ms, err);
}
