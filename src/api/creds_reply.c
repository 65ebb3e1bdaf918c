#include "api/creds_reply.h"
#include "api/creds_json.h"
#include "api/creds_keys.h"
#include "base/clock.h"
#include <string.h>

#define SKEW_MIN_MS 60000 /* the answer travelled, and Date has whole seconds */

int creds_reply_time(const char *text, int64_t *unix_ms)
{
    int64_t ns;
    if (clock_parse_iso(text, &ns) < 0)
        return -1;
    *unix_ms = ns / NS_PER_MS;
    return 0;
}

static int64_t to_our_clock(int64_t expires_ms, int64_t now_ms, int64_t date_unix_s)
{
    int64_t skew = date_unix_s * MS_PER_S - now_ms;
    bool far = skew > SKEW_MIN_MS || skew < -SKEW_MIN_MS;
    return date_unix_s > 0 && far ? expires_ms - skew : expires_ms;
}

static int take(const struct creds_json *node, const char *key, const char **out, struct err *err)
{
    if (creds_json_text(node, key, out, err) < 0)
        return -1;
    return *out ? 0 : err_set(err, "the answer has no %s", key);
}

struct creds_keys *creds_reply_keys(const struct creds_json *node, int64_t now_ms,
                                    int64_t date_unix_s, const char *source, struct err *err)
{
    const char *id = NULL, *secret = NULL, *token = NULL, *end = NULL;
    if (take(node, "AccessKeyId", &id, err) < 0 ||
        take(node, "AccessKeySecret", &secret, err) < 0 ||
        take(node, "SecurityToken", &token, err) < 0 || take(node, "Expiration", &end, err) < 0)
        return NULL;
    int64_t expires_ms;
    if (creds_reply_time(end, &expires_ms) < 0) {
        err_set(err, "the answer's Expiration is no time");
        return NULL;
    }
    expires_ms = to_our_clock(expires_ms, now_ms, date_unix_s);
    if (expires_ms <= now_ms) {
        err_set(err, "the keys have expired already, at %.24s: is this machine's clock right?",
                end);
        return NULL;
    }
    return creds_keys_new(id, secret, token, expires_ms, source, err);
}
