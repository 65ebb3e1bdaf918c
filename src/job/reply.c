/* What the replies of both operations have in common. */
#include "job/snapshot.h"
#include <string.h>

int job_reply_parse(struct json *json, const char *body, size_t len, struct err *err)
{
    if (json_parse(json, body, len, err) < 0)
        return -1;
    if (json->values[0].type != JSON_OBJECT)
        return err_set(err, "it is %s, not an object", json_type_name(json->values[0].type));
    return json_check_keys(json, 0, JOB_KEYS_MAX, err) < 0 ? -1 : 0;
}

const char *job_reply_text(const struct json *json, size_t object, const char *key, struct err *err)
{
    size_t i = json_member(json, object, key);
    if (i == JSON_NONE)
        return "";
    const struct json_value *v = &json->values[i];
    if (v->type != JSON_STRING)
        err_set(err, "%s is %s, not a string", key, json_type_name(v->type));
    return v->text;
}

const char *job_reply_id(const struct json *json, struct err *err)
{
    const char *id = job_reply_text(json, 0, "RequestId", err);
    if (id && strlen(id) > JOB_REQUEST_ID_MAX) {
        err_set(err, "its RequestId is longer than %d bytes", JOB_REQUEST_ID_MAX);
        return NULL;
    }
    return id;
}
