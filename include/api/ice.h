/* The two operations: GetMediaProducingJob and ListMediaProducingJobs, version 2020-11-09, signed
 * with ACS3.
 *
 * One call, one answer: retries and budgets are live/'s. The clock offset is learnt from every
 * answer's Date and used for the next x-acs-date when it is more than 60 s off. */
#ifndef ICE_API_ICE_H
#define ICE_API_ICE_H

#include "api/errors.h"
#include "base/buf.h"
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct creds;
struct creds_keys;
struct http;
struct ice;

struct ice_config {
    const char *endpoint; /* http(s)://host[:port], no path */
    struct http *http;    /* borrowed */
    struct creds *creds;  /* borrowed */
};

/* What a call came to. */
struct ice_answer {
    enum api_class class;
    enum api_net net;
    int status;          /* HTTP, 0 without an answer */
    char code[128];      /* the API's Code, "" when none; printable ASCII only */
    char request_id[64]; /* "" when none */
    struct buf body; /* API_OK only: the body as sent (JSON by its first byte; parsing is job/'s) */
    int64_t retry_after_ms;
    int64_t took_ms;
    struct creds_keys *keys; /* those that signed it, or NULL; borrowed for the callback */
    struct err
        error; /* class not OK: one line for logs, xattrs and users, redacted, hint included */
};

/* On the pumping thread. The answer is borrowed; buf_take(&a->body) may take the body. */
typedef void ice_done_fn(void *arg, struct ice_answer *answer);

struct ice *ice_new(const struct ice_config *config, struct err *err);
void ice_free(struct ice *ice); /* after its last callback */

/* `timeout_ms`: for this one call. `done` is called exactly once, later, on the pumping thread. If
 * there are no keys the answer is API_CREDENTIALS with their error. 0, or -1 with `err` and no
 * callback. */
int ice_get(struct ice *ice, const char *job_id, int64_t timeout_ms, ice_done_fn *done, void *arg,
            struct err *err);

struct ice_list_query {
    const char *start_time; /* each NULL or as the API page has it */
    const char *end_time;
    const char *status;
    const char *keyword;
    const char *sort_by;
    const char *next_token;
    const char *project_id;
    const char *master_job_id;
    const char *job_type;
    unsigned max_results; /* 0: not sent; 1 to 100 */
};

int ice_list(struct ice *ice, const struct ice_list_query *query, int64_t timeout_ms,
             ice_done_fn *done, void *arg, struct err *err);

/* The offset in force: service time minus ours, in seconds. */
int64_t ice_clock_offset_s(const struct ice *ice);

#endif
