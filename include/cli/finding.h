/* What doctor finds: facts -> "ok", "warn" or "FAIL" with the words for it. Pure. */
#ifndef ICE_CLI_FINDING_H
#define ICE_CLI_FINDING_H

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

struct probe;

enum finding_grade { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct finding {
    enum finding_grade grade;
    char what[512];
    char fix[512]; /* "" when there is nothing to do */
};

/* Append "ok    WHAT\n" or "FAIL  WHAT - FIX\n". 0 or -1 (errno of buf_add). */
int finding_print(const struct finding *f, struct buf *out) ICE_MUST_CHECK;

/* `error`: errno of opening /dev/fuse, 0 when it opened. */
struct finding finding_device(int error);

/* The helper program that mounts for ordinary users. */
struct finding finding_helper(bool root, bool found);

/* Who may see the mount: `conf_allows` is user_allow_other of /etc/fuse.conf. */
struct finding finding_others(bool root, bool wanted, bool conf_allows);

/* Whether the text of /etc/fuse.conf has user_allow_other. */
bool finding_conf_allows(const char *conf);

/* The key id but for its first 4 characters is masked. `source`: where it was found. */
struct finding finding_keys(const char *key_id, const char *source);

/* Whether the endpoint answers as the service does; `p` is any call's result. */
struct finding finding_endpoint(const char *url, const struct probe *p);

/* Service time minus ours. */
struct finding finding_clock(int64_t offset_s);

/* Get of a job that cannot exist: JobNotFound shows that asking is allowed. */
struct finding finding_get(const struct probe *p);
struct finding finding_list(const struct probe *p);

#endif
