#include "job/json.h"
#include "base/num.h"
#include "job/job.h"
#include <cjson/cJSON.h>
#include <string.h>

const char *json_type_name(enum json_type type)
{
    switch (type) {
    case JSON_NULL:
        return "null";
    case JSON_FALSE:
    case JSON_TRUE:
        return "a truth value";
    case JSON_NUMBER:
        return "a number";
    case JSON_STRING:
        return "a string";
    case JSON_ARRAY:
        return "an array";
    case JSON_OBJECT:
        return "an object";
    }
    return "nothing";
}

/* The scan's index and cJSON's tree hold the same values in the same order. */
static void pair(struct json *j, size_t at, const cJSON *item)
{
    struct json_value *v = &j->values[at];
    v->key = item->string;
    v->text = item->valuestring;
    v->number = item->valuedouble;
    const cJSON *child = item->child;
    for (size_t i = at + 1; i < v->next; i = j->values[i].next, child = child->next)
        pair(j, i, child);
}

int json_parse(struct json *out, const char *body, size_t len, struct err *err)
{
    if (json_scan(out, body, len, err) < 0)
        return -1;
    out->tree = cJSON_ParseWithLength(body, len);
    if (!out->tree) /* the scan has let pass only what cJSON takes */
        return err_set(err, "no memory for %zu bytes of JSON", len);
    pair(out, 0, out->tree);
    return 0;
}

void json_free(struct json *j)
{
    cJSON_Delete(j->tree);
    free(j->values);
    *j = (struct json){0};
}

size_t json_first(const struct json *j, size_t parent)
{
    return parent + 1 < j->values[parent].next ? parent + 1 : JSON_NONE;
}

size_t json_next(const struct json *j, size_t parent, size_t i)
{
    size_t next = j->values[i].next;
    return next < j->values[parent].next ? next : JSON_NONE;
}

size_t json_member(const struct json *j, size_t object, const char *key)
{
    for (size_t i = json_first(j, object); i != JSON_NONE; i = json_next(j, object, i))
        if (strcmp(j->values[i].key, key) == 0)
            return j->values[i].type == JSON_NULL ? JSON_NONE : i;
    return JSON_NONE;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

long json_check_keys(const struct json *j, size_t object, size_t max, struct err *err)
{
    const char *keys[JOB_KEYS_MAX];
    size_t n = 0;
    for (size_t i = json_first(j, object); i != JSON_NONE; i = json_next(j, object, i)) {
        if (n == max || n == JOB_KEYS_MAX)
            return err_set(err, "more than %zu keys in one object", n);
        keys[n++] = j->values[i].key;
    }
    if (n == 0)
        return 0;
    qsort((void *)keys, n, sizeof *keys, by_text);
    for (size_t i = 1; i < n; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return err_set(err, "the key %.64s is there twice", keys[i]);
    return (long)n;
}

/* Digits from the first to the last that is not zero. */
static unsigned significant_digits(const struct json_value *v)
{
    unsigned n = 0, last = 0;
    for (size_t i = 0; i < v->raw_len && (v->raw[i] | 0x20) != 'e'; i++) {
        if (v->raw[i] < '0' || v->raw[i] > '9' || (n == 0 && v->raw[i] == '0'))
            continue;
        n++;
        if (v->raw[i] != '0')
            last = n;
    }
    return last;
}

#define ALL_INTEGERS                                                                               \
    9007199254740992.0 /* 2^53: from here on a double has no fractions, and gaps                   \
                        */

static double magnitude(const struct json_value *v)
{
    return v->number < 0 ? -v->number : v->number;
}

/* A double keeps 15 decimal digits of a number of usual size, and integers to 2^53. */
static bool double_is_exact(const struct json_value *v)
{
    unsigned digits = significant_digits(v);
    return digits <= 15 && magnitude(v) < ALL_INTEGERS && (digits == 0 || magnitude(v) > 1e-300);
}

const char *json_number_text(const struct json_value *v, char scratch[JSON_NUMBER_MAX + 1],
                             size_t *len)
{
    if (!double_is_exact(v)) {
        *len = v->raw_len;
        return v->raw;
    }
    num_format_double(v->number, scratch);
    *len = strlen(scratch);
    return scratch;
}

bool json_is_integer(const struct json_value *v)
{
    if (v->type != JSON_NUMBER)
        return false;
    return magnitude(v) >= ALL_INTEGERS || v->number == (double)(int64_t)v->number;
}
