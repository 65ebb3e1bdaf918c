#include "sim/control.h"
#include "base/clock.h"
#include "base/num.h"
#include "sim/life.h"
#include "sim/out.h"
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "/_sim/"

bool sim_control_owns(const char *target)
{
    return strncmp(target, PREFIX, strlen(PREFIX)) == 0;
}

struct command {
    struct sim_service *s;
    struct sim_now now;
    int64_t now_ms;     /* simulated */
    const char *object; /* what stands behind the slash, decoded; "" for none */
    const char *body;
    struct sim_reply *reply;
};

static int say(struct command *c, const char *json)
{
    return buf_adds(&c->reply->body, json);
}

static int refuse(struct command *c, int status, const char *why)
{
    struct sim_out o = {.buf = &c->reply->body};
    c->reply->status = status;
    buf_reset(&c->reply->body);
    sim_out_text(&o, "{");
    sim_out_pair(&o, "error", why);
    sim_out_text(&o, "}");
    return sim_out_end(&o);
}

static int ping(struct command *c)
{
    return say(c, "{}");
}

static int stats(struct command *c)
{
    return sim_stats_write(&c->s->stats, &c->reply->body);
}

static int reset(struct command *c)
{
    sim_stats_reset(&c->s->stats);
    return say(c, "{}");
}

/* --- faults --- */

static int fault_add(struct command *c)
{
    struct err err;
    uint64_t id = sim_faults_add(&c->s->faults, c->body, &err);
    if (id == 0)
        return refuse(c, 400, err.text);
    return buf_addf(&c->reply->body, "{\"id\":%" PRIu64 "}", id);
}

static int fault_list(struct command *c)
{
    if (say(c, "{\"faults\":") < 0 || sim_faults_write(&c->s->faults, &c->reply->body) < 0)
        return -1;
    return say(c, "}");
}

static int fault_clear(struct command *c)
{
    sim_faults_clear(&c->s->faults);
    return say(c, "{}");
}

static int fault_remove(struct command *c)
{
    uint64_t id;
    /* One that has been used up is gone already, and that is no error. */
    if (num_parse_u64(c->object, 1, c->s->faults.last_id, &id) < 0)
        return refuse(c, 404, "there has been no such fault");
    (void)sim_faults_remove(&c->s->faults, id);
    return say(c, "{}");
}

/* --- jobs --- */

static int write_row(struct command *c, const char *id, const char *status, const char *master)
{
    struct sim_out o = {.buf = &c->reply->body};
    const struct buf *body = o.buf;
    sim_out_text(&o, body->data[body->len - 1] == '[' ? "{" : ",{");
    sim_out_pair(&o, "id", id);
    sim_out_pair(&o, "status", status);
    if (master)
        sim_out_pair(&o, "master", master);
    sim_out_text(&o, "}");
    return sim_out_end(&o);
}

static int write_generated(struct command *c, uint64_t index)
{
    const struct sim_births *b = &c->s->world.births;
    struct sim_job job = {b->seed, index, sim_birth_ms(b, index)};
    char id[SIM_ID_LEN];
    char master[SIM_ID_LEN];
    sim_id_make(b->seed, SIM_ID_JOB, index, id);
    const struct sim_patch *patch = sim_patches_find(&c->s->world.patches, id);
    if (patch && !patch->fields)
        return 0;
    struct sim_moment m = sim_life_at(job.seed, index, job.born_ms, c->now_ms);
    return write_row(c, id, sim_status_name(m.status),
                     sim_job_master(&job, master) ? master : NULL);
}

/* Generated ones from the oldest on, then those made here. */
static int job_list(struct command *c)
{
    const struct sim_world *w = &c->s->world;
    uint64_t n = sim_births_until(&w->births, c->now_ms);
    uint64_t first = sim_births_until(&w->births, c->now_ms - SIM_KEEP_MS - 1);
    if (say(c, "{\"jobs\":[") < 0)
        return -1;
    for (uint64_t i = first; i < n; i++)
        if (write_generated(c, i) < 0)
            return -1;
    for (size_t i = 0; i < w->patches.n_sorted; i++) {
        const struct sim_patch *patch = w->patches.sorted[i];
        if (!patch->fields && write_row(c, patch->id, patch->status, NULL) < 0)
            return -1;
    }
    return say(c, "]}");
}

static int job_get(struct command *c)
{
    int found = sim_service_peek(c->s, c->object, c->now, &c->reply->body);
    if (found != 0)
        return found < 0 ? -1 : 0;
    return refuse(c, 404, "there is no such job");
}

static int job_put(struct command *c)
{
    struct sim_world *w = &c->s->world;
    struct sim_job job;
    struct err err;
    bool generated = sim_world_generated(w, c->object, c->now_ms, &job);
    if (sim_patches_put(&w->patches, c->object, generated ? &job : NULL, c->now_ms, c->body, &err) <
        0)
        return refuse(c, 400, err.text);
    return say(c, "{}");
}

static int job_delete(struct command *c)
{
    struct err err;
    if (sim_patches_remove(&c->s->world.patches, c->object, &err) < 0)
        return refuse(c, 400, err.text);
    return say(c, "{}");
}

/* --- clock, keys, throttle --- */

static int clock_get(struct command *c)
{
    char iso[CLOCK_ISO_LEN];
    char speed[NUM_DOUBLE_LEN];
    c->now_ms = sim_clock_ms(&c->s->clock, c->now.mono_ns);
    clock_iso(c->now_ms / MS_PER_S, iso);
    num_format_double(c->s->clock.speed, speed);
    return buf_addf(&c->reply->body,
                    "{\"now\":\"%s\",\"now_ms\":%" PRId64 ",\"speed\":%s,\"frozen\":%s}", iso,
                    c->now_ms, speed, c->s->clock.frozen ? "true" : "false");
}

/* The number of that name, `otherwise` without one; NAN when it is no number or out of range. */
static double number(const cJSON *json, const char *name, double otherwise, double max)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    if (!item)
        return otherwise;
    bool fits = cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= max;
    return fits ? item->valuedouble : NAN;
}

static int clock_set(struct command *c)
{
    struct sim_clock *clock = &c->s->clock;
    cJSON *json = cJSON_Parse(c->body);
    const cJSON *freeze = cJSON_GetObjectItemCaseSensitive(json, "freeze");
    double advance_s = number(json, "advance_s", 0, 1e10);
    double speed = number(json, "speed", clock->speed, SIM_SPEED_MAX);
    bool frozen = freeze ? cJSON_IsTrue(freeze) : clock->frozen;
    bool good = cJSON_IsObject(json) && !isnan(advance_s) && !isnan(speed);
    cJSON_Delete(json);
    if (!good)
        return refuse(c, 400, "setting the clock: advance_s, speed or freeze does not fit");
    sim_clock_advance(clock, c->now.mono_ns, (int64_t)(advance_s * 1000));
    sim_clock_set(clock, c->now.mono_ns, speed, frozen);
    return clock_get(c);
}

/* Copy a text that is there and fits. false: it is there and does not. */
static bool take_text(const cJSON *json, const char *name, char *out, size_t max)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    if (!item)
        return true;
    if (!cJSON_IsString(item) || strlen(item->valuestring) >= max)
        return false;
    memcpy(out, item->valuestring, strlen(item->valuestring) + 1);
    return true;
}

static int keys_set(struct command *c)
{
    struct sim_keys keys = c->s->keys;
    cJSON *json = cJSON_Parse(c->body);
    bool good = cJSON_IsObject(json) && take_text(json, "key_id", keys.id, sizeof(keys.id)) &&
                take_text(json, "key_secret", keys.secret, sizeof(keys.secret)) &&
                take_text(json, "security_token", keys.token, sizeof(keys.token));
    cJSON_Delete(json);
    if (!good)
        return refuse(c, 400,
                      "setting the keys: key_id, key_secret or security_token does not fit");
    c->s->keys = keys;
    return say(c, "{}");
}

static int qps_set(struct command *c)
{
    cJSON *json = cJSON_Parse(c->body);
    double qps = number(json, "qps", (double)c->s->qps, SIM_WINDOW_MAX);
    double after = number(json, "retry_after_ms", (double)c->s->throttle_retry_after_ms, 1e9);
    bool good = cJSON_IsObject(json) && !isnan(qps) && !isnan(after);
    cJSON_Delete(json);
    if (!good)
        return refuse(c, 400, "setting the throttle: qps or retry_after_ms does not fit");
    c->s->qps = (uint64_t)qps;
    c->s->throttle_retry_after_ms = (int64_t)after;
    return say(c, "{}");
}

/* --- routes --- */

enum object { NO_OBJECT, ONE_OBJECT };

static const struct route {
    const char *method, *noun;
    enum object object;
    int (*run)(struct command *);
} routes[] = {
    {"GET", "ping", NO_OBJECT, ping},
    {"GET", "stats", NO_OBJECT, stats},
    {"POST", "reset", NO_OBJECT, reset},
    {"GET", "fault", NO_OBJECT, fault_list},
    {"POST", "fault", NO_OBJECT, fault_add},
    {"DELETE", "fault", NO_OBJECT, fault_clear},
    {"DELETE", "fault", ONE_OBJECT, fault_remove},
    {"GET", "jobs", NO_OBJECT, job_list},
    {"GET", "jobs", ONE_OBJECT, job_get},
    {"PUT", "jobs", ONE_OBJECT, job_put},
    {"DELETE", "jobs", ONE_OBJECT, job_delete},
    {"GET", "clock", NO_OBJECT, clock_get},
    {"POST", "clock", NO_OBJECT, clock_set},
    {"POST", "keys", NO_OBJECT, keys_set},
    {"POST", "qps", NO_OBJECT, qps_set},
};

static const struct route *find_route(const char *method, const char *noun, const char *object)
{
    enum object kind = *object ? ONE_OBJECT : NO_OBJECT;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (strcmp(routes[i].method, method) == 0 && strcmp(routes[i].noun, noun) == 0 &&
            routes[i].object == kind)
            return &routes[i];
    return NULL;
}

int sim_control_call(struct sim_service *s, const struct sim_request *r, struct sim_now now,
                     struct sim_reply *reply)
{
    char path[512];
    const char *rest = r->target + strlen(PREFIX);
    size_t n = strcspn(rest, "?");
    struct command c = {s,    now, sim_clock_ms(&s->clock, now.mono_ns), "", r->body ? r->body : "",
                        reply};
    reply->date_s = now.real_ns / NS_PER_S;
    sim_service_request_id(s, reply->request_id);
    if (n >= sizeof(path))
        return refuse(&c, 404, "there is no such path");
    sim_param_decode(path, rest, n);
    char *slash = strchr(path, '/');
    if (slash) {
        *slash = '\0';
        c.object = slash + 1;
    }
    const struct route *route = find_route(r->method, path, c.object);
    return route ? route->run(&c) : refuse(&c, 404, "there is no such command");
}
