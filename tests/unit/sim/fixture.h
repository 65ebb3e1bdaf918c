/* A service with fixed clocks and keys, and calls that are signed as a client would. */
#ifndef TEST_SIM_FIXTURE_H
#define TEST_SIM_FIXTURE_H

#include "base/clock.h"
#include "sim/service.h"
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEY_ID     "TestKeyId"
#define KEY_SECRET "TestKeySecret"
#define EPOCH_S    INT64_C(1772353800) /* 2026-03-01T08:30:00Z */

static inline struct sim_now at_ms(int64_t ms)
{
    return (struct sim_now){ms * NS_PER_MS, EPOCH_S * NS_PER_S + ms * NS_PER_MS};
}

static inline struct sim_config config_of(uint64_t jobs)
{
    return (struct sim_config){.seed = 7,
                               .jobs = jobs,
                               .span_ms = 72000000,
                               .every_ms = 20000,
                               .speed = 1,
                               .keys = {KEY_ID, KEY_SECRET, ""}};
}

static inline struct sim_service *service_of(uint64_t jobs)
{
    struct sim_config config = config_of(jobs);
    struct sim_service *s = sim_service_new(&config, at_ms(0), NULL);
    assert_non_null(s);
    return s;
}

static inline void id_of(uint64_t index, char out[SIM_ID_LEN])
{
    sim_id_make(7, SIM_ID_JOB, index, out);
}

/* A request that can be changed before it is signed. */
struct sent {
    struct sim_request r;
    char target[1024], date[CLOCK_ISO_LEN], nonce[40], authorization[600];
    const char *secret;
};

static inline void add_header(struct sent *s, const char *name, const char *value)
{
    s->r.headers[s->r.n_headers++] = (struct sim_header){name, value};
}

/* Take the header out. */
static inline void drop_header(struct sent *s, const char *name)
{
    for (size_t i = 0; i < s->r.n_headers; i++)
        if (strcmp(s->r.headers[i].name, name) == 0) {
            s->r.headers[i] = s->r.headers[--s->r.n_headers];
            return;
        }
}

static inline void set_header(struct sent *s, const char *name, const char *value)
{
    drop_header(s, name);
    add_header(s, name, value);
}

#define NO_BODY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* `query`: encoded. `now_s`: what the client takes for the time. */
static inline void prepare(struct sent *s, const char *action, const char *query, int64_t now_s)
{
    static unsigned nonces;
    memset(s, 0, sizeof(*s));
    snprintf(s->target, sizeof(s->target), "/?%s", query);
    snprintf(s->nonce, sizeof(s->nonce), "nonce-%u", nonces++);
    clock_iso(now_s, s->date);
    s->secret = KEY_SECRET;
    s->r.method = "POST";
    s->r.target = s->target;
    s->r.body = "";
    add_header(s, "Host", "ice.cn-shanghai.aliyuncs.com");
    add_header(s, "Accept", "application/json");
    add_header(s, "x-acs-action", action);
    add_header(s, "x-acs-version", SIM_VERSION);
    add_header(s, "x-acs-date", s->date);
    add_header(s, "x-acs-signature-nonce", s->nonce);
    add_header(s, "x-acs-content-sha256", NO_BODY_SHA256);
}

static inline void sign_as(struct sent *s, const char *key_id)
{
    char signature[SIM_HEX_LEN];
    struct sim_params query = {0};
    assert_int_equal(sim_params_add(&query, s->target + 2, strlen(s->target + 2)), 0);
    assert_int_equal(sim_verify_signature(&s->r, &query, s->secret, signature), 0);
    sim_params_free(&query);
    snprintf(s->authorization, sizeof(s->authorization),
             "ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=host;x-acs-action,Signature=%s", key_id,
             signature);
    add_header(s, "Authorization", s->authorization);
}

/* The reply to a well-formed call; free it with sim_reply_free. */
static inline struct sim_reply call_at(struct sim_service *s, const char *action, const char *query,
                                       int64_t ms)
{
    struct sent sent;
    struct sim_reply reply;
    prepare(&sent, action, query, EPOCH_S + ms / 1000);
    sign_as(&sent, KEY_ID);
    sim_reply_init(&reply);
    assert_int_equal(sim_service_call(s, &sent.r, at_ms(ms), &reply), 0);
    return reply;
}

static inline struct sim_reply get_at(struct sim_service *s, uint64_t index, int64_t ms)
{
    char query[64] = "JobId=";
    id_of(index, query + 6);
    return call_at(s, SIM_ACTION_GET, query, ms);
}

/* The body parsed; the reply is freed. */
static inline cJSON *body_of(struct sim_reply *reply)
{
    cJSON *json = cJSON_Parse(buf_str(&reply->body));
    assert_non_null(json);
    sim_reply_free(reply);
    return json;
}

static inline const char *text_of(const cJSON *json, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
    return text ? text : "";
}

/* Expect that status and code; the reply is freed. */
static inline void expect(struct sim_reply reply, int status, const char *code)
{
    assert_string_equal(reply.code, code);
    assert_int_equal(reply.status, status);
    sim_reply_free(&reply);
}

#endif
