#include "api/creds_json.h"
#include "base/secret.h"
#include <cjson/cJSON.h>
#include <string.h>

static const cJSON *in(const struct creds_json *node)
{
    return (const cJSON *)(const void *)node;
}

static const struct creds_json *out_of(const cJSON *node)
{
    return (const struct creds_json *)(const void *)node;
}

/* cJSON has no length in its strings: an escaped NUL would cut one silently. */
static bool has_nul(const char *text, size_t len)
{
    return memchr(text, '\0', len) || memmem(text, len, "\\u0000", 6);
}

struct creds_json *creds_json_parse(const char *text, size_t len, struct err *err)
{
    if (len && has_nul(text, len)) {
        err_set(err, "holds a NUL");
        return NULL;
    }
    const char *end = NULL;
    cJSON *root = len ? cJSON_ParseWithLengthOpts(text, len, &end, 0) : NULL;
    /* What follows the value is not checked by cJSON when the length is given. */
    while (root && end < text + len && strchr(" \t\r\n", *end))
        end++;
    struct creds_json *doc = (struct creds_json *)(void *)root;
    if (cJSON_IsObject(root) && end == text + len)
        return doc;
    err_set(err, root ? "is not one JSON object" : "is not valid JSON");
    creds_json_free(doc);
    return NULL;
}

/* The library bounds the depth of what it parses, and so of this. */
static void wipe(cJSON *node)
{
    for (; node; node = node->next) {
        if (node->valuestring)
            secret_wipe(node->valuestring, strlen(node->valuestring));
        wipe(node->child);
    }
}

void creds_json_free(struct creds_json *doc)
{
    cJSON *root = (cJSON *)(void *)doc;
    wipe(root);
    cJSON_Delete(root);
}

void creds_json_cleanup(struct creds_json **doc)
{
    creds_json_free(*doc);
    *doc = NULL;
}

/* NULL for an absent and for a null member. */
static const cJSON *member(const struct creds_json *node, const char *key)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(in(node), key);
    return cJSON_IsNull(m) ? NULL : m;
}

const struct creds_json *creds_json_object(const struct creds_json *node, const char *key)
{
    const cJSON *m = member(node, key);
    return cJSON_IsObject(m) ? out_of(m) : NULL;
}

const struct creds_json *creds_json_array(const struct creds_json *node, const char *key)
{
    const cJSON *m = member(node, key);
    return cJSON_IsArray(m) ? out_of(m) : NULL;
}

static const struct creds_json *object_from(const cJSON *node)
{
    while (node && !cJSON_IsObject(node))
        node = node->next;
    return out_of(node);
}

const struct creds_json *creds_json_first(const struct creds_json *array)
{
    return object_from(in(array)->child);
}

const struct creds_json *creds_json_next(const struct creds_json *node)
{
    return object_from(in(node)->next);
}

int creds_json_text(const struct creds_json *node, const char *key, const char **out,
                    struct err *err)
{
    const cJSON *m = member(node, key);
    if (m && !cJSON_IsString(m))
        return err_set(err, "%s is no text", key);
    if (m && *m->valuestring)
        *out = m->valuestring;
    return 0;
}

int creds_json_int(const struct creds_json *node, const char *key, int64_t *out, struct err *err)
{
    const cJSON *m = member(node, key);
    if (!m)
        return 0;
    if (!cJSON_IsNumber(m) || !(m->valuedouble >= 0 && m->valuedouble <= 9e15) ||
        m->valuedouble != (double)(int64_t)m->valuedouble)
        return err_set(err, "%s is no whole number", key);
    *out = (int64_t)m->valuedouble;
    return 0;
}

int creds_json_bool(const struct creds_json *node, const char *key, bool *out, struct err *err)
{
    const cJSON *m = member(node, key);
    if (m && !cJSON_IsBool(m))
        return err_set(err, "%s is neither true nor false", key);
    if (m)
        *out = cJSON_IsTrue(m);
    return 0;
}
