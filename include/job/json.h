/* JSON of a hostile sender. Private to the room.
 *
 * json_parse takes exactly one RFC 8259 value of valid UTF-8, blanks around it allowed, nothing
 * behind it, no NUL (raw or as \u0000), no lone surrogate, no number longer than JSON_NUMBER_MAX,
 * within JOB_REPLY_MAX, JOB_DEPTH_MAX and JOB_NODES_MAX (job/job.h). src/job/json_scan.c decides
 * that, before cJSON sees a byte.
 *
 * The result is flat: the values of the four upper levels in the order of the text, each with its
 * bytes as sent, which is what replies need (reply > list > item > member). What lies deeper is
 * checked and is part of its ancestor's bytes. */
#ifndef ICE_JOB_JSON_H
#define ICE_JOB_JSON_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

/* "a string" ... */
const char *json_type_name(enum json_type type);

#define JSON_LEVELS     4
#define JSON_NUMBER_MAX 63 /* characters; older cJSON cuts longer ones without a word */
#define JSON_NONE       SIZE_MAX

struct json_value {
    enum json_type type;
    size_t next;     /* index of the value behind this one and all inside it */
    const char *raw; /* the bytes as sent; points into the text given to json_parse */
    size_t raw_len;
    const char *key;  /* unescaped; NULL outside objects */
    const char *text; /* JSON_STRING: unescaped, without NUL inside; else NULL */
    double number;    /* JSON_NUMBER: the nearest double */
};

struct json {
    struct json_value *values; /* [0] is the whole */
    size_t n;
    size_t cap;
    struct cJSON *tree; /* owns the keys and texts */
};

/* Zeroed `out` in, values out. `body` must outlive `out`. 0, or -1 with `err` saying where and why;
 * json_free either way. */
int json_parse(struct json *out, const char *body, size_t len, struct err *err) ICE_MUST_CHECK;
void json_free(struct json *j);

#define CLEANUP_JSON ICE_CLEANUP(json_free)

/* The check and the index alone: everything but key, text and number is set. */
int json_scan(struct json *out, const char *body, size_t len, struct err *err) ICE_MUST_CHECK;

/* for (size_t i = json_first(j, parent); i != JSON_NONE; i = json_next(j, parent, i)) */
size_t json_first(const struct json *j, size_t parent);
size_t json_next(const struct json *j, size_t parent, size_t i);

/* Index of an object's member, JSON_NONE when absent or null. Exact, case included. */
size_t json_member(const struct json *j, size_t object, const char *key);

/* How many members, or -1 with `err` for more than `max` (at most JOB_KEYS_MAX) or a key that is
 * there twice: which of the two counts is anybody's guess. */
long json_check_keys(const struct json *j, size_t object, size_t max,
                     struct err *err) ICE_MUST_CHECK;

/* Shortest text of the same value: 30.5 for 30.500000. As sent (not NUL-terminated) where a double
 * would lose something. `scratch` may hold the result. */
const char *json_number_text(const struct json_value *v, char scratch[JSON_NUMBER_MAX + 1],
                             size_t *len);
bool json_is_integer(const struct json_value *v);

#endif
