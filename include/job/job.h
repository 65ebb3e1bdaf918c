/* A job at one moment: an immutable, counted snapshot made of one reply.
 *
 * Rules of content (docs/semantics.md): one field, one file; text and numbers end in one line feed;
 * the four JSON-text keys (Timeline, ClipsParam, UserData, SubJobMaterials) are given byte for byte
 * plus a line feed if they have none; absent, null and empty fields have no file; unknown keys
 * follow the same rule, objects and arrays as `.json` (their bytes as sent; {} and [] are content).
 * Besides the fields there are `request_id` and `job.json` (the reply as sent, plus a line feed if
 * it has none; of a list item: the item as sent, in the shape of Get's reply). A number that a
 * double cannot hold reads as sent. An unknown key that cannot be a file name, or whose name is
 * taken, is dropped with a log line, once a key.
 *
 * A reply changes all that it changes at once: those files and job.json get one mtime, the
 * version's.
 *
 * A snapshot is one allocation and is read without locks; whoever holds a reference may use all it
 * points to. */
#ifndef ICE_JOB_JOB_H
#define ICE_JOB_JOB_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum job_status {                   /* the five documented, and the rest */
                  JOB_STATUS_OTHER, /* absent or undocumented: not final */
                  JOB_STATUS_INIT,
                  JOB_STATUS_QUEUING,
                  JOB_STATUS_PROCESSING,
                  JOB_STATUS_SUCCESS,
                  JOB_STATUS_FAILED,
};

/* "Init" ...; NULL for JOB_STATUS_OTHER. */
const char *job_status_name(enum job_status s);
bool job_status_final(enum job_status s);

struct job_field {
    const char *name; /* file name, interned */
    const char *data; /* whole content of the file, line feed included; may hold any byte but NUL */
    size_t len;
    int64_t mtime_ns; /* ModifiedTime when later, and strictly increasing with each change of the
                         content */
    int64_t ctime_ns; /* when the content changed here */
    uint16_t number;  /* job_name_number */
};

struct job;

struct job *job_ref(const struct job *j);
void job_unref(const struct job *j); /* NULL is nothing */

const char *job_id(const struct job *j);
enum job_status job_status(const struct job *j);
bool job_final(const struct job *j);
bool job_partial(const struct job *j); /* made of a list item: what only Get gives is not known */
const char *job_request_id(const struct job *j); /* "" when the reply had none */
int64_t job_mtime_ns(const struct job *j);       /* the latest of the fields' */
int64_t job_ctime_ns(const struct job *j);
size_t job_size(const struct job *j); /* bytes of memory */

/* The fields, sorted by name. */
size_t job_n_fields(const struct job *j);
const struct job_field *job_field_at(const struct job *j, size_t i);
const struct job_field *job_find(const struct job *j, const char *name);       /* or NULL */
const struct job_field *job_find_number(const struct job *j, uint16_t number); /* or NULL */

/* Ceilings of a reply. Past any of them it is refused. */
#define JOB_REPLY_MAX      ((size_t)16 << 20) /* bytes */
#define JOB_DEPTH_MAX      64 /* nesting of the reply's own JSON; texts in strings are not parsed */
#define JOB_NODES_MAX      100000 /* values in one reply */
#define JOB_KEYS_MAX       256    /* keys of the reply, and of MediaProducingJob */
#define JOB_REQUEST_ID_MAX 256    /* bytes of RequestId */
#define JOB_PAGE_MAX       1000   /* items of a page; the service sends at most 100 */

/* A reply of GetMediaProducingJob -> snapshot, reference for the caller.
 *
 * `want_id`: the job asked for; a reply for another, or without JobId, is refused. `prev`: the
 * snapshot before this one or NULL: its times are carried over for what did not change, and if
 * nothing but RequestId changed, `prev` itself is returned with one more reference. `now_ns`:
 * clock_real_ns. NULL with `err` for what is not a job: not JSON or cut JSON, invalid UTF-8, NUL
 * (also as \u0000), a key twice (at the top or in MediaProducingJob), wrong types of documented
 * keys, past a ceiling, no memory. */
struct job *job_from_get(const char *want_id, const char *body, size_t len, const struct job *prev,
                         int64_t now_ns, struct err *err);

/* One page of ListMediaProducingJobs. Items that are no jobs are dropped with a log line; the page
 * stands. A reply with a RequestId, without list and without Code is an empty page. 0, or -1 with
 * `err` and an empty `out`. */
struct job_page {
    struct job **jobs; /* partial snapshots, a reference each */
    size_t n;
    char *next_token; /* NULL on the last page (absent and empty are the same) */
};
int job_page_from_list(const char *body, size_t len, int64_t now_ns, struct job_page *out,
                       struct err *err);
void job_page_free(struct job_page *page);

/* A job as known (from Get, or from a list alone) with an item of a later list laid over it: what a
 * list shows is replaced, or gone with the item; what only Get gives stays, and so does the kind of
 * snapshot. job.json keeps the shape of Get's reply. `known` with one more reference if nothing
 * that a list shows differs. NULL with `err`: another job's item, no memory. */
struct job *job_merge_list(const struct job *known, const struct job *item, int64_t now_ns,
                           struct err *err);

/* Whether the item tells of an older state than is known, by ModifiedTime: lists may lag behind. */
bool job_item_outdated(const struct job *known, const struct job *item);

/* The difference of two snapshots of one job (either may be NULL): one row a name whose content
 * differs. */
enum job_change_kind { JOB_FIELD_ADDED, JOB_FIELD_CHANGED, JOB_FIELD_REMOVED };
struct job_change {
    enum job_change_kind kind;
    const char *name; /* interned */
    uint16_t number;
};
/* Writes up to `max` rows, sorted by name; returns how many there are in all. */
size_t job_diff(const struct job *before, const struct job *after, struct job_change *out,
                size_t max);
#define JOB_DIFF_MAX ((size_t)2 * (JOB_KEYS_MAX + 2))

#endif
