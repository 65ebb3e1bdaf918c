#include "sim/fault.h"
#include "sim/dice.h"
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX (16U << 20)

static const char *const kind_names[] = {
#define KIND_NAME(id, name) [SIM_FAULT_##id] = (name),
    SIM_FAULT_KINDS(KIND_NAME)
#undef KIND_NAME
};

const char *sim_fault_kind_name(enum sim_fault_kind kind)
{
    return kind_names[kind];
}

static void fault_free(struct sim_fault *f)
{
    free(f->action);
    free(f->job);
    free(f->code);
    free(f->message);
    free(f->content_type);
    buf_free(&f->headers);
    buf_free(&f->body);
    free(f);
}

/* --- from JSON --- */

static int bad_value(const char *key, struct err *err)
{
    return err_set(err, "reading a fault: \"%s\" has a value that does not fit", key);
}

static int read_kind(const cJSON *value, struct sim_fault *f)
{
    for (size_t i = 0; i < ARRAY_LEN(kind_names); i++)
        if (cJSON_IsString(value) && strcmp(value->valuestring, kind_names[i]) == 0) {
            f->kind = (enum sim_fault_kind)i;
            return 0;
        }
    return -1;
}

static int read_headers(const cJSON *value, struct sim_fault *f)
{
    const cJSON *header;
    cJSON_ArrayForEach (header, value) {
        if (!cJSON_IsString(header) || strpbrk(header->valuestring, "\r\n") ||
            buf_addf(&f->headers, "%s: %s\n", header->string, header->valuestring) < 0)
            return -1;
    }
    return cJSON_IsObject(value) ? 0 : -1;
}

/* A text is taken as it is, anything else as the JSON that it is. */
static int read_body(const cJSON *value, struct sim_fault *f)
{
    f->has_body = true;
    if (cJSON_IsString(value))
        return buf_adds(&f->body, value->valuestring);
    char CLEANUP_FREE *text = cJSON_PrintUnformatted(value);
    return text ? buf_adds(&f->body, text) : -1;
}

static int read_body_hex(const cJSON *value, struct sim_fault *f)
{
    const char *hex = cJSON_GetStringValue(value);
    if (!hex || strlen(hex) % 2 != 0 || strspn(hex, "0123456789abcdefABCDEF") != strlen(hex))
        return -1;
    for (f->has_body = true; *hex; hex += 2) {
        char digits[3] = {hex[0], hex[1], '\0'};
        if (buf_addc(&f->body, (char)strtoul(digits, NULL, 16)) < 0)
            return -1;
    }
    return 0;
}

static int read_format(const cJSON *value, struct sim_fault *f)
{
    const char *text = cJSON_GetStringValue(value);
    f->xml = text && strcmp(text, "xml") == 0;
    return text && (f->xml || strcmp(text, "json") == 0) ? 0 : -1;
}

static int read_rate(const cJSON *value, struct sim_fault *f)
{
    f->rate = cJSON_IsNumber(value) ? value->valuedouble : -1;
    return f->rate >= 0 && f->rate <= 1 ? 0 : -1;
}

static int read_status(const cJSON *value, struct sim_fault *f)
{
    double status = cJSON_IsNumber(value) ? value->valuedouble : 0;
    f->status = status >= 200 && status <= 599 ? (int)status : 0;
    return f->status ? 0 : -1;
}

static const struct {
    const char *key;
    int (*read)(const cJSON *, struct sim_fault *);
} readers[] = {{"kind", read_kind},         {"headers", read_headers}, {"body", read_body},
               {"body_hex", read_body_hex}, {"format", read_format},   {"rate", read_rate},
               {"status", read_status}};

static const struct {
    const char *key;
    size_t offset;
    double min, max;
} numbers[] = {
    {"count", offsetof(struct sim_fault, count), 1, 1e9},
    {"delay_ms", offsetof(struct sim_fault, delay_ms), 0, 3.6e6},
    {"pace_ms", offsetof(struct sim_fault, pace_ms), 0, 3.6e6},
    {"retry_after_ms", offsetof(struct sim_fault, retry_after_ms), 0, 1e9},
    {"seconds", offsetof(struct sim_fault, seconds), -1e9, 1e9},
    {"bytes", offsetof(struct sim_fault, bytes), 0, 1e12},
};

static const struct {
    const char *key;
    size_t offset;
} texts[] = {
    {"action", offsetof(struct sim_fault, action)},
    {"job", offsetof(struct sim_fault, job)},
    {"code", offsetof(struct sim_fault, code)},
    {"message", offsetof(struct sim_fault, message)},
    {"content_type", offsetof(struct sim_fault, content_type)},
};

static int read_number(const cJSON *value, struct sim_fault *f, size_t i)
{
    int64_t *out = (void *)((char *)f + numbers[i].offset);
    if (!cJSON_IsNumber(value) || !(value->valuedouble >= numbers[i].min) ||
        value->valuedouble > numbers[i].max)
        return -1;
    *out = (int64_t)value->valuedouble;
    return 0;
}

static int read_text(const cJSON *value, struct sim_fault *f, size_t i)
{
    char **out = (void *)((char *)f + texts[i].offset);
    if (!cJSON_IsString(value) || *out)
        return -1;
    *out = strdup(value->valuestring);
    return *out ? 0 : -1;
}

static int read_member(const cJSON *value, struct sim_fault *f, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        if (strcmp(value->string, readers[i].key) == 0)
            return readers[i].read(value, f) < 0 ? bad_value(value->string, err) : 0;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (strcmp(value->string, numbers[i].key) == 0)
            return read_number(value, f, i) < 0 ? bad_value(value->string, err) : 0;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (strcmp(value->string, texts[i].key) == 0)
            return read_text(value, f, i) < 0 ? bad_value(value->string, err) : 0;
    return err_set(err, "reading a fault: there is no \"%s\"", value->string);
}

static struct sim_fault *fault_new(void)
{
    struct sim_fault *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    f->rate = 1;
    f->count = f->bytes = f->retry_after_ms = f->xml = -1;
    f->pace_ms = 100;
    f->headers = BUF_INIT(64U << 10);
    f->body = BUF_INIT(BODY_MAX);
    return f;
}

static int read_fault(const cJSON *json, struct sim_fault *f, struct err *err)
{
    const cJSON *member;
    if (!cJSON_HasObjectItem(json, "kind"))
        return err_set(err, "reading a fault: a JSON object with \"kind\" is needed");
    cJSON_ArrayForEach (member, json) {
        if (read_member(member, f, err) < 0)
            return -1;
    }
    return 0;
}

uint64_t sim_faults_add(struct sim_faults *f, const char *json, struct err *err)
{
    if (f->n == SIM_FAULTS_MAX) {
        err_set(err, "adding a fault: there are %d already", SIM_FAULTS_MAX);
        return 0;
    }
    struct sim_fault *fault = fault_new();
    if (!fault) {
        err_set(err, "adding a fault: no memory");
        return 0;
    }
    cJSON *parsed = cJSON_Parse(json);
    int rc = read_fault(parsed, fault, err);
    cJSON_Delete(parsed);
    if (rc < 0) {
        fault_free(fault);
        return 0;
    }
    fault->id = ++f->last_id;
    f->all[f->n++] = fault;
    return fault->id;
}

/* --- the table --- */

static void remove_at(struct sim_faults *f, size_t i)
{
    fault_free(f->all[i]);
    f->n--;
    memmove(&f->all[i], &f->all[i + 1], (f->n - i) * sizeof(f->all[0]));
}

void sim_faults_clear(struct sim_faults *f)
{
    while (f->n > 0)
        remove_at(f, f->n - 1);
}

static size_t position(const struct sim_faults *f, uint64_t id)
{
    size_t i = 0;
    while (i < f->n && f->all[i]->id != id)
        i++;
    return i;
}

bool sim_faults_has(const struct sim_faults *f, uint64_t id)
{
    return position(f, id) < f->n;
}

bool sim_faults_remove(struct sim_faults *f, uint64_t id)
{
    size_t i = position(f, id);
    if (i == f->n)
        return false;
    remove_at(f, i);
    return true;
}

static bool meets(struct sim_faults *f, const struct sim_fault *fault, const char *action,
                  const char *job)
{
    if (fault->count == 0 || (fault->action && strcmp(fault->action, action) != 0))
        return false;
    if (fault->job && (!job || strcmp(fault->job, job) != 0))
        return false;
    return fault->rate >= 1 || sim_dice_unit(f->seed, f->rolls++, SIM_FOR_FAULT_RATE) < fault->rate;
}

struct sim_strike sim_faults_draw(struct sim_faults *f, const char *action, const char *job)
{
    struct sim_strike strike = {0};
    for (size_t i = 0; i < f->n && !strike.fault; i++) {
        struct sim_fault *fault = f->all[i];
        if (!meets(f, fault, action, job))
            continue;
        if (fault->count > 0)
            fault->count--;
        if (fault->kind == SIM_FAULT_SKEW)
            strike.skew_s += fault->seconds;
        else
            strike.delay_ms += fault->delay_ms;
        if (fault->kind != SIM_FAULT_SKEW && fault->kind != SIM_FAULT_DELAY)
            strike.fault = fault;
    }
    return strike;
}

void sim_faults_spent(struct sim_faults *f)
{
    for (size_t i = f->n; i-- > 0;)
        if (f->all[i]->count == 0 && f->all[i]->kind != SIM_FAULT_HANG)
            remove_at(f, i);
}

int sim_faults_write(const struct sim_faults *f, struct buf *out)
{
    if (buf_addc(out, '[') < 0)
        return -1;
    for (size_t i = 0; i < f->n; i++)
        if (buf_addf(out, "%s{\"id\":%" PRIu64 ",\"kind\":\"%s\",\"count\":%" PRId64 "}",
                     i ? "," : "", f->all[i]->id, kind_names[f->all[i]->kind],
                     f->all[i]->count) < 0)
            return -1;
    return buf_addc(out, ']');
}
