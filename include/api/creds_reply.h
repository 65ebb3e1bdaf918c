/* Private to credentials: the object {AccessKeyId, AccessKeySecret, SecurityToken, Expiration} that
 * STS, the metadata service and credentials URIs answer with. */
#ifndef ICE_API_CREDS_REPLY_H
#define ICE_API_CREDS_REPLY_H

#include "api/creds.h"

struct creds_json;

/* `now_ms`: our clock; `date_unix_s`: the answer's Date or 0. Where the two are far apart the
 * expiry is moved to our clock, for it is our clock that it will be held against. All four members
 * must be there. NULL with `err`, also for keys that have expired on arrival. */
struct creds_keys *creds_reply_keys(const struct creds_json *node, int64_t now_ms,
                                    int64_t date_unix_s, const char *source, struct err *err);

/* A time of 20 or 24 characters to milliseconds. 0 or -1. */
int creds_reply_time(const char *text, int64_t *unix_ms);

#endif
