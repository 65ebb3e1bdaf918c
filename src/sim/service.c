#include "sim/service.h"
#include "base/clock.h"
#include "sim/dice.h"
#include "sim/list.h"
#include "sim/service_call.h"
#include "sim/xml.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct sim_service *sim_service_new(const struct sim_config *config, struct sim_now now,
                                    struct err *err)
{
    struct sim_service *s = calloc(1, sizeof(*s));
    if (!s) {
        err_set(err, "starting the simulator: no memory");
        return NULL;
    }
    int64_t epoch_ms = now.real_ns / NS_PER_MS;
    s->world.births = (struct sim_births){config->seed, config->jobs, epoch_ms, config->span_ms,
                                          config->every_ms};
    s->world.patches.by_id.max = SIM_PATCHES_MAX;
    s->clock = (struct sim_clock){epoch_ms, now.mono_ns, config->speed, false};
    s->faults.seed = config->seed;
    s->qps = config->qps;
    s->keys = config->keys;
    sim_stats_init(&s->stats);
    return s;
}

void sim_service_free(struct sim_service *s)
{
    if (!s)
        return;
    sim_patches_clear(&s->world.patches);
    sim_faults_clear(&s->faults);
    sim_stats_free(&s->stats);
    sim_nonces_free(&s->nonces);
    sim_window_free(&s->admitted);
    free(s);
}

void sim_service_request_id(struct sim_service *s, char out[37])
{
    uint64_t n = s->n_requests++;
    uint64_t a = sim_dice(s->world.births.seed, n * 2, SIM_FOR_REQUEST_ID);
    uint64_t b = sim_dice(s->world.births.seed, n * 2 + 1, SIM_FOR_REQUEST_ID);
    snprintf(out, 37, "%08X-%04X-4%03X-%04X-%012" PRIX64, (unsigned)(a >> 32),
             (unsigned)(a >> 16) & 0xffff, (unsigned)a & 0xfff, 0x8000U | ((unsigned)b & 0x3fff),
             b >> 16);
}

/* --- answers --- */

int sim_call_fail(struct sim_call *c, const struct sim_error *e)
{
    struct sim_error error = *e;
    const struct sim_fault *fault = c->strike.fault;
    const char *host = sim_request_header(c->r, "host");
    error.host = host ? host : "";
    error.xml = fault && fault->xml >= 0 ? fault->xml : c->xml;
    return sim_reply_error(c->reply, &error);
}

static int fail_with(struct sim_call *c, const char *code, const char *message)
{
    return sim_call_fail(c, &(struct sim_error){.code = code, .message = message});
}

int sim_call_retry_after(struct sim_call *c, int64_t ms)
{
    return ms < 0 ? 0 : buf_addf(&c->reply->headers, "x-acs-retry-after: %" PRId64 "\n", ms);
}

/* The body is JSON; make it XML for who does not ask for JSON. */
static int finish(struct sim_call *c)
{
    if (!c->xml)
        return 0;
    char root[128];
    snprintf(root, sizeof(root), "%sResponse", c->action);
    struct buf CLEANUP_BUF xml = BUF_INIT(SIM_BODY_MAX);
    if (sim_xml_document(&xml, root, buf_str(&c->reply->body)) < 0)
        return -1;
    c->reply->content_type = "text/xml;charset=utf-8";
    buf_reset(&c->reply->body);
    return buf_add(&c->reply->body, buf_str(&xml), xml.len);
}

/* --- operations --- */

static int write_get(const struct sim_service *s, const char *request_id, const char *id,
                     int64_t now_ms, struct buf *out)
{
    if (buf_addf(out, "{\"RequestId\":\"%s\",\"MediaProducingJob\":", request_id) < 0)
        return -1;
    int found = sim_world_get(&s->world, id, now_ms, SIM_FORM_GET, out);
    return found == 1 && buf_addc(out, '}') < 0 ? -1 : found;
}

static int do_get(struct sim_call *c)
{
    if (!c->job || !*c->job)
        return fail_with(c, "InvalidParameter", "The specified parameter \"JobId\" is not valid.");
    int found = write_get(c->s, c->reply->request_id, c->job, c->now_ms, &c->reply->body);
    if (found < 0)
        return -1;
    return found ? finish(c) : fail_with(c, "JobNotFound", NULL);
}

/* What the last page has for a token is not documented: nothing or an empty one, so both occur. */
static int write_next_token(struct sim_call *c, const struct sim_list_page *page)
{
    char token[SIM_TOKEN_LEN] = "";
    if (page->more)
        sim_token_write(&page->next, token);
    else if (c->s->n_requests % 2)
        return 0;
    return buf_addf(&c->reply->body, ",\"NextToken\":\"%s\"", token);
}

static int write_page(struct sim_call *c, const struct sim_list_query *q,
                      const struct sim_list_page *page)
{
    struct buf *body = &c->reply->body;
    if (buf_addf(body, "{\"RequestId\":\"%s\",\"MediaProducingJobList\":[", c->reply->request_id) <
            0 ||
        buf_add(body, buf_str(&page->items), page->items.len) < 0 ||
        buf_addf(body, "],\"MaxResults\":\"%d\"", q->max) < 0 || write_next_token(c, page) < 0 ||
        buf_addc(body, '}') < 0)
        return -1;
    return finish(c);
}

static int do_list(struct sim_call *c)
{
    struct sim_list_query q;
    struct sim_list_page page;
    struct err err;
    if (sim_list_parse(&c->params, c->now_ms, c->now.real_ns / NS_PER_S, &q, &err) < 0)
        return fail_with(c, "InvalidParameter", err.text);
    int rc = sim_list_page(&c->s->world, &q, c->now_ms, &page);
    if (rc == 0)
        rc = write_page(c, &q, &page);
    buf_free(&page.items);
    return rc;
}

int sim_call_operate(struct sim_call *c)
{
    if (strcmp(c->r->method, "GET") != 0 && strcmp(c->r->method, "POST") != 0)
        return fail_with(c, "InvalidAction.NotFound", NULL);
    if (strcmp(sim_request_header(c->r, "x-acs-version"), SIM_VERSION) != 0)
        return fail_with(c, "InvalidApi.NotFound", NULL);
    if (strcmp(c->action, SIM_ACTION_GET) == 0)
        return do_get(c);
    if (strcmp(c->action, SIM_ACTION_LIST) == 0)
        return do_list(c);
    return fail_with(c, "InvalidAction.NotFound", NULL);
}

/* --- the way of a call --- */

/* 1: over the limit and refused; 0: let through; -1. */
static int throttle(struct sim_call *c)
{
    struct sim_service *s = c->s;
    if (s->qps == 0)
        return 0;
    if (sim_window_count(&s->admitted, c->now.mono_ns) < s->qps)
        return sim_window_add(&s->admitted, c->now.mono_ns);
    int64_t ms = s->throttle_retry_after_ms;
    if (sim_call_retry_after(c, ms > 0 ? ms : -1) < 0)
        return -1;
    return fail_with(c, "Throttling.User", NULL) < 0 ? -1 : 1;
}

/* The request is good as far as its form goes: 1 answered, 0 go on, -1. */
static int refuse(struct sim_call *c, const struct sim_refusal *refusal)
{
    if (refusal->code) {
        const char *message = refusal->message.len ? buf_str(&refusal->message) : NULL;
        return fail_with(c, refusal->code, message) < 0 ? -1 : 1;
    }
    return throttle(c);
}

static int answer(struct sim_call *c, const struct sim_refusal *refusal)
{
    int done = sim_strike_blindly(c);
    if (done == 0)
        done = refuse(c, refusal);
    if (done != 0)
        return done < 0 ? -1 : 0;
    return c->strike.fault ? sim_strike_answer(c) : sim_call_operate(c);
}

/* The signature is checked in any case: a call that meets a fault has used its nonce. */
static int check_and_answer(struct sim_call *c)
{
    struct sim_refusal refusal = {.message = BUF_INIT(1U << 20)};
    int rc = sim_verify(c->r, &c->query, &c->s->keys, c->reply->date_s, &c->s->nonces, &refusal);
    if (rc == 0)
        rc = answer(c, &refusal);
    buf_free(&refusal.message);
    return rc;
}

static bool is_form(const struct sim_request *r)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = sim_request_header(r, "content-type");
    return type && strncasecmp(type, form, sizeof(form) - 1) == 0;
}

static int parse(struct sim_call *c)
{
    const char *mark = strchr(c->r->target, '?');
    const char *query = mark ? mark + 1 : "";
    if (sim_params_add(&c->query, query, strlen(query)) < 0 ||
        sim_params_add(&c->params, query, strlen(query)) < 0)
        return -1;
    if (is_form(c->r) && c->r->body_len > 0)
        return sim_params_add(&c->params, c->r->body, c->r->body_len);
    return 0;
}

static bool wants_xml(const struct sim_call *c)
{
    const char *format = sim_params_get(&c->params, "Format");
    if (format)
        return strcasecmp(format, "JSON") != 0;
    const char *accept = sim_request_header(c->r, "accept");
    return !accept || !strstr(accept, "application/json");
}

static void look(struct sim_call *c)
{
    const char *action = sim_request_header(c->r, "x-acs-action");
    c->action = action ? action : "";
    c->job = sim_params_get(&c->params, "JobId");
    c->xml = wants_xml(c);
    sim_stats_call(&c->s->stats, c->action, c->job, c->now.mono_ns);
    c->strike = sim_faults_draw(&c->s->faults, c->action, c->job);
    c->reply->delay_ms = c->strike.delay_ms;
    c->reply->date_s = c->now.real_ns / NS_PER_S + c->strike.skew_s;
}

static int add_fault_headers(struct sim_call *c)
{
    const struct sim_fault *f = c->strike.fault;
    return f && f->headers.len ? buf_add(&c->reply->headers, f->headers.data, f->headers.len) : 0;
}

int sim_service_call(struct sim_service *s, const struct sim_request *r, struct sim_now now,
                     struct sim_reply *reply)
{
    struct sim_call c = {.s = s, .r = r, .now = now, .reply = reply};
    c.now_ms = sim_clock_ms(&s->clock, now.mono_ns);
    sim_service_request_id(s, reply->request_id);
    int rc = parse(&c);
    if (rc == 0) {
        look(&c);
        rc = check_and_answer(&c);
    }
    if (rc == 0)
        rc = add_fault_headers(&c);
    if (reply->code[0])
        sim_stats_refused(&s->stats, reply->code);
    sim_faults_spent(&s->faults);
    sim_params_free(&c.query);
    sim_params_free(&c.params);
    return rc;
}

int sim_service_peek(struct sim_service *s, const char *id, struct sim_now now, struct buf *out)
{
    char request_id[37];
    sim_service_request_id(s, request_id);
    return write_get(s, request_id, id, sim_clock_ms(&s->clock, now.mono_ns), out);
}
