/* The files that one job object of a reply comes to, before any byte is copied. Here live the rules
 * of content (job/job.h): what has a file, its name, its bytes. Private to the room. */
#ifndef ICE_JOB_PLAN_H
#define ICE_JOB_PLAN_H

#include "job/json.h"
#include "job/key.h"

struct plan_file {
    const char *name;  /* interned */
    const char *key;   /* of the reply, "" for those made around it */
    const char *bytes; /* NULL: in `scratch` (files are moved when they are sorted) */
    size_t len;        /* without the line feed to add */
    bool add_lf;       /* `bytes` do not end in one */
    uint16_t number;
    char scratch[JSON_NUMBER_MAX + 1];
};

struct plan {
    struct plan_file *files; /* sorted by name after plan_finish */
    size_t n;
    const char *text[JOB_KEY_COUNT]; /* the documented strings that are there and not empty */
};

#define CLEANUP_PLAN ICE_CLEANUP(plan_free)

/* All members of `object`; `json` must outlive the plan. 0, or -1 with `err`: not an object, too
 * many keys, a key twice, a wrong type. plan_free either way. */
int plan_make(struct plan *plan, const struct json *json, size_t object,
              struct err *err) ICE_MUST_CHECK;

/* Add JOB_KEY_REQUEST_ID or JOB_KEY_WHOLE, each at most once; nothing for empty bytes. */
void plan_add_made(struct plan *plan, enum job_key_id id, const char *bytes, size_t len);

/* Sort, and drop unknown keys whose name another key has taken. */
void plan_finish(struct plan *plan);

void plan_free(struct plan *plan);

const char *plan_bytes(const struct plan_file *f);
size_t plan_size(const struct plan_file *f); /* of the file, line feed included */

#endif
