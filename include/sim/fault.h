/* Faults on order: which calls meet them, how often, and what they do to the answer.
 * docs/simulator.md describes the JSON. */
#ifndef ICE_SIM_FAULT_H
#define ICE_SIM_FAULT_H

#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

#define SIM_FAULTS_MAX 1024

/* DELAY and SKEW go with any other. Those up to HUGE strike whether the request is good or not,
 * those after it take the place of a good answer or spoil it. */
#define SIM_FAULT_KINDS(X)                                                                         \
    X(DELAY, "delay")                                                                              \
    X(SKEW, "skew")                                                                                \
    X(ERROR, "error")                                                                              \
    X(HANG, "hang")                                                                                \
    X(RESET, "reset")                                                                              \
    X(EMPTY, "empty")                                                                              \
    X(GARBAGE, "garbage")                                                                          \
    X(RAW, "raw")                                                                                  \
    X(HUGE, "huge")                                                                                \
    X(CUT, "cut")                                                                                  \
    X(SLOW, "slow")                                                                                \
    X(OK_ERROR, "ok_error")                                                                        \
    X(OTHER_JOB, "other_job")                                                                      \
    X(TOKEN_EXPIRED, "token_expired")                                                              \
    X(THROTTLE, "throttle")                                                                        \
    X(NOT_FOUND, "not_found")                                                                      \
    X(FORBIDDEN, "forbidden")

enum sim_fault_kind {
#define SIM_FAULT_ENUM(id, name) SIM_FAULT_##id,
    SIM_FAULT_KINDS(SIM_FAULT_ENUM)
#undef SIM_FAULT_ENUM
};

/* Texts are NULL when not given. */
struct sim_fault {
    uint64_t id;
    enum sim_fault_kind kind;
    char *action, *job; /* whom it meets; NULL: anybody */
    double rate;
    int64_t count; /* times left; -1: for ever */
    int64_t delay_ms, pace_ms, seconds;
    int64_t bytes, retry_after_ms; /* -1: not given */
    int status;                    /* 0: not given */
    int xml;                       /* 1 XML, 0 JSON, -1 as the client asks */
    char *code, *message, *content_type;
    struct buf headers; /* lines of `Name: value` */
    struct buf body;
    bool has_body;
};

struct sim_faults {
    struct sim_fault *all[SIM_FAULTS_MAX];
    size_t n;
    uint64_t last_id;
    uint64_t rolls; /* how often a rate was drawn */
    uint64_t seed;
};

void sim_faults_clear(struct sim_faults *f);

/* From JSON. The id, or 0 with `err`. */
uint64_t sim_faults_add(struct sim_faults *f, const char *json, struct err *err) ICE_MUST_CHECK;

/* false: there is none of that id. */
bool sim_faults_remove(struct sim_faults *f, uint64_t id);
bool sim_faults_has(const struct sim_faults *f, uint64_t id);

/* What strikes one call. */
struct sim_strike {
    int64_t delay_ms; /* of all delays that met it */
    int64_t skew_s;
    struct sim_fault
        *fault; /* the first of the other kinds, or NULL; borrowed until sim_faults_spent */
};

/* Draw the faults for a call, in the order of their making, and count them down. `job` may be NULL.
 */
struct sim_strike sim_faults_draw(struct sim_faults *f, const char *action, const char *job);

/* Drop what has been used up; a spent "hang" stays, since calls hang on it. */
void sim_faults_spent(struct sim_faults *f);

/* Append the table as a JSON array. 0 or -1. */
int sim_faults_write(const struct sim_faults *f, struct buf *out) ICE_MUST_CHECK;

const char *sim_fault_kind_name(enum sim_fault_kind kind);

#endif
