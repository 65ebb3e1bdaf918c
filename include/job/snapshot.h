/* How a snapshot lies in memory, and how it is built. Private to the room. */
#ifndef ICE_JOB_SNAPSHOT_H
#define ICE_JOB_SNAPSHOT_H

#include "job/facts.h"
#include "job/job.h"
#include "job/plan.h"
#include <stdatomic.h>

/* One allocation (its facts are another, for they outlive it): this, then the fields sorted by
 * name, then the bytes that all point to. Each text has a NUL behind it that no length counts. */
struct job {
    atomic_uint refs;
    enum job_status status;
    bool partial;
    const char *id;
    const char *request_id;
    int64_t mtime_ns; /* of this version: every file that it changed has it */
    int64_t ctime_ns;
    struct job_facts *facts;
    size_t size;
    size_t n_fields;
    struct job_field fields[];
};

/* A job object of a reply and what is around it. */
struct job_source {
    const struct json *json;
    size_t object;
    const char *want_id;    /* NULL: any possible id */
    const char *request_id; /* "" for none */
    const char *whole;      /* content of job.json */
    size_t whole_len;
    bool partial;
    const struct job *prev; /* or NULL */
    int64_t now_ns;
};

/* A new snapshot, or `prev` with one more reference if nothing changed. NULL with `err`. */
struct job *job_build(const struct job_source *source, struct err *err);

/* Parse `whole` as a reply of Get, or one in its shape; the rest of `request` as it is, json,
 * object and request_id apart. As job_build. */
struct job *job_from_reply(const struct job_source *request, struct err *err);

/* The facts of a snapshot whose fields and times are there. NULL without memory. */
struct job_facts *job_facts_make(const struct job *j);

/* The text of the string member `key` of `object`, "" when absent, null or empty; NULL with `err`
 * when it is something else. */
const char *job_reply_text(const struct json *json, size_t object, const char *key,
                           struct err *err);

/* The RequestId of a reply, "" when it has none; NULL with `err`. */
const char *job_reply_id(const struct json *json, struct err *err);

/* Parse a whole reply: an object whose keys are there once. 0, or -1 with `err`; json_free either
 * way. */
int job_reply_parse(struct json *json, const char *body, size_t len,
                    struct err *err) ICE_MUST_CHECK;

#endif
