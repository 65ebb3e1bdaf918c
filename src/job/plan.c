#include "job/plan.h"
#include "job/dropped.h"
#include "job/job.h"
#include "job/name.h"
#include <string.h>

const char *plan_bytes(const struct plan_file *f)
{
    return f->bytes ? f->bytes : f->scratch;
}

size_t plan_size(const struct plan_file *f)
{
    return f->len + f->add_lf;
}

/* The bytes of the next file, not yet a file. */
static struct plan_file *propose(struct plan *plan, const char *key, const char *bytes, size_t len)
{
    struct plan_file *f = &plan->files[plan->n];
    f->key = key;
    f->bytes = bytes;
    f->len = len;
    f->add_lf = len == 0 || bytes[len - 1] != '\n';
    return f;
}

static void propose_number(struct plan *plan, const struct json_value *v)
{
    struct plan_file *f = &plan->files[plan->n];
    size_t len;
    const char *text = json_number_text(v, f->scratch, &len);
    propose(plan, v->key, text, len);
    if (text == f->scratch)
        f->bytes = NULL;
}

/* What was proposed becomes a file. */
static void accept_as(struct plan *plan, uint16_t number)
{
    struct plan_file *f = &plan->files[plan->n++];
    f->number = number;
    f->name = job_name_text(number);
}

static int wrong_type(const struct json_value *v, const char *want, struct err *err)
{
    return err_set(err, "%s is %s, not %s", v->key, json_type_name(v->type), want);
}

static int add_documented(struct plan *plan, enum job_key_id id, const struct json_value *v,
                          struct err *err)
{
    switch (job_key(id)->type) {
    case JOB_KEY_TEXT:
    case JOB_KEY_JSON:
        if (v->type != JSON_STRING)
            return wrong_type(v, "a string", err);
        if (!*v->text)
            return 0;
        plan->text[id] = v->text;
        propose(plan, v->key, v->text, strlen(v->text));
        break;
    case JOB_KEY_NUMBER:
        if (v->type != JSON_NUMBER)
            return wrong_type(v, "a number", err);
        propose_number(plan, v);
        break;
    case JOB_KEY_INTEGER:
        if (!json_is_integer(v))
            return wrong_type(v, "an integer", err);
        propose_number(plan, v);
        break;
    case JOB_KEY_MADE:
        return 0;
    }
    accept_as(plan, job_key_number(id));
    return 0;
}

/* Its bytes; false: empty, and so without a file. */
static bool propose_unknown(struct plan *plan, const struct json_value *v)
{
    switch (v->type) {
    case JSON_NULL:
        return false;
    case JSON_STRING:
        propose(plan, v->key, v->text, strlen(v->text));
        return *v->text != '\0';
    case JSON_NUMBER:
        propose_number(plan, v);
        return true;
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    propose(plan, v->key, v->raw, v->raw_len);
    return true;
}

static void add_unknown(struct plan *plan, const struct json_value *v)
{
    char name[JOB_NAME_MAX + 1];
    if (!propose_unknown(plan, v))
        return;
    if (!job_key_to_name(v->key, v->type == JSON_ARRAY || v->type == JSON_OBJECT, name)) {
        job_dropped_log(v->key, "it cannot be a file name");
        return;
    }
    if (job_key_of_name(name) != JOB_KEY_COUNT) {
        job_dropped_log(v->key, "its file name belongs to another key");
        return;
    }
    uint16_t number = job_name_number(name);
    if (number == 0) {
        job_dropped_log(v->key, "the table of names is full");
        return;
    }
    accept_as(plan, number);
}

int plan_make(struct plan *plan, const struct json *json, size_t object, struct err *err)
{
    *plan = (struct plan){0};
    if (json->values[object].type != JSON_OBJECT)
        return err_set(err, "it is %s, not an object", json_type_name(json->values[object].type));
    long n = json_check_keys(json, object, JOB_KEYS_MAX, err);
    if (n < 0)
        return -1;
    plan->files = malloc(((size_t)n + 2) * sizeof *plan->files); /* and the two made ones */
    if (!plan->files)
        return err_set(err, "no memory for %ld fields", n);
    for (size_t i = json_first(json, object); i != JSON_NONE; i = json_next(json, object, i)) {
        const struct json_value *v = &json->values[i];
        enum job_key_id id = job_key_find(v->key);
        if (id == JOB_KEY_COUNT)
            add_unknown(plan, v);
        else if (v->type != JSON_NULL && add_documented(plan, id, v, err) < 0)
            return -1;
    }
    return 0;
}

void plan_add_made(struct plan *plan, enum job_key_id id, const char *bytes, size_t len)
{
    if (len == 0)
        return;
    propose(plan, job_key(id)->key, bytes, len);
    accept_as(plan, job_key_number(id));
}

/* By name; of two keys with one name the lesser first, so that the order of the reply does not
 * matter. */
static int by_name(const void *a, const void *b)
{
    const struct plan_file *x = a, *y = b;
    int names = strcmp(x->name, y->name);
    return names ? names : strcmp(x->key, y->key);
}

void plan_finish(struct plan *plan)
{
    qsort(plan->files, plan->n, sizeof *plan->files, by_name);
    size_t kept = 0;
    for (size_t i = 0; i < plan->n; i++) {
        if (kept > 0 && plan->files[kept - 1].number == plan->files[i].number)
            job_dropped_log(plan->files[i].key, "its file name belongs to another key");
        else if (kept++ != i)
            plan->files[kept - 1] = plan->files[i];
    }
    plan->n = kept;
}

void plan_free(struct plan *plan)
{
    free(plan->files);
    plan->files = NULL;
}
