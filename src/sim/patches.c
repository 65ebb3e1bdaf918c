#include "sim/patches.h"
#include "base/clock.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT_MAX (16U << 20)

static void json_delete(cJSON **json)
{
    cJSON_Delete(*json);
}
#define CLEANUP_JSON ICE_CLEANUP(json_delete)

static void patch_empty(struct sim_patch *patch)
{
    free(patch->fields);
    free(patch->get);
    free(patch->list);
    patch->fields = patch->get = patch->list = NULL;
}

static void patch_free(struct sim_patch *patch)
{
    patch_empty(patch);
    free(patch->id);
    free(patch);
}

void sim_patches_clear(struct sim_patches *p)
{
    for (size_t i = 0; i < p->n_all; i++)
        patch_free(p->all[i]);
    free(p->all);
    free(p->sorted);
    sim_map_clear(&p->by_id);
    *p = (struct sim_patches){.by_id = {.max = SIM_PATCHES_MAX}};
}

static struct sim_patch *find(const struct sim_patches *p, const char *id)
{
    const uint64_t *at = sim_map_find(&p->by_id, id);
    return at ? p->all[*at] : NULL;
}

const struct sim_patch *sim_patches_find(const struct sim_patches *p, const char *id)
{
    return find(p, id);
}

/* --- the table --- */

static int reserve(struct sim_patches *p)
{
    if (p->n_all < p->cap)
        return 0;
    size_t cap = p->cap ? p->cap * 2 : 64;
    struct sim_patch **all =
        realloc(p->all, cap * sizeof(*all)); // NOLINT(bugprone-sizeof-expression)
    if (!all)
        return -1;
    p->all = all;
    struct sim_patch **sorted = realloc(p->sorted, cap * sizeof(*sorted)); // NOLINT
    if (!sorted)
        return -1;
    p->sorted = sorted;
    p->cap = cap;
    return 0;
}

/* A new entry that is gone until it gets its content. */
static struct sim_patch *make(struct sim_patches *p, const char *id)
{
    p->by_id.max = SIM_PATCHES_MAX;
    if (reserve(p) < 0)
        return NULL;
    struct sim_patch *patch = calloc(1, sizeof(*patch));
    char *copy = strdup(id);
    uint64_t *at = patch && copy ? sim_map_put(&p->by_id, id) : NULL;
    if (!at) {
        free(patch);
        free(copy);
        return NULL;
    }
    *at = p->n_all;
    patch->id = copy;
    patch->gone = true;
    patch->order = SIM_PATCH_ORDER_BASE + p->n_all;
    p->all[p->n_all++] = patch;
    return patch;
}

static void sorted_remove(struct sim_patches *p, const struct sim_patch *patch)
{
    for (size_t i = 0; i < p->n_sorted; i++)
        if (p->sorted[i] == patch) {
            p->n_sorted--;
            memmove(&p->sorted[i], &p->sorted[i + 1], (p->n_sorted - i) * sizeof(patch));
            return;
        }
}

static bool before(const struct sim_patch *a, const struct sim_patch *b)
{
    return a->create_s != b->create_s ? a->create_s < b->create_s : a->order < b->order;
}

/* There is room: n_sorted never passes n_all. */
static void sorted_insert(struct sim_patches *p, struct sim_patch *patch)
{
    size_t at = p->n_sorted;
    while (at > 0 && before(patch, p->sorted[at - 1]))
        at--;
    memmove(&p->sorted[at + 1], &p->sorted[at], (p->n_sorted - at) * sizeof(patch));
    p->sorted[at] = patch;
    p->n_sorted++;
}

/* --- content --- */

static bool is_control(const char *key)
{
    return key[0] == '_';
}

static int set_null(cJSON *object, const char *key)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    return cJSON_AddNullToObject(object, key) ? 0 : -1;
}

/* Lay `fields` over `object`. 0 or -1 (no memory). */
static int merge(cJSON *object, const cJSON *fields)
{
    const cJSON *field;
    cJSON_ArrayForEach (field, fields) {
        if (is_control(field->string))
            continue;
        cJSON_DeleteItemFromObjectCaseSensitive(object, field->string);
        if (cJSON_IsNull(field))
            continue;
        cJSON *copy = cJSON_Duplicate(field, true);
        if (!copy || !cJSON_AddItemToObject(object, field->string, copy)) {
            cJSON_Delete(copy);
            return -1;
        }
    }
    cJSON_ArrayForEach (field, cJSON_GetObjectItemCaseSensitive(fields, "_null")) {
        if (cJSON_IsString(field) && set_null(object, field->valuestring) < 0)
            return -1;
    }
    return 0;
}

static void to_list_form(cJSON *object)
{
    static const char *const of_get_alone[] = {"Timeline", "Progress", "SubJobMaterials",
                                               "VodMediaId"};
    for (size_t i = 0; i < ARRAY_LEN(of_get_alone); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(object, of_get_alone[i]);
}

static void copy_fact(const cJSON *object, const char *key, char *out, size_t max)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    out[0] = '\0';
    if (text && strlen(text) < max)
        memcpy(out, text, strlen(text) + 1);
}

static int64_t create_time_s(const cJSON *object, int64_t otherwise_ms)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "CreateTime"));
    int64_t ns;
    if (text && clock_parse_iso(text, &ns) == 0)
        return ns / NS_PER_S;
    return otherwise_ms / MS_PER_S;
}

/* The content of a job that stands still. 0 or -1 (no memory). */
static int stand_still(struct sim_patch *content, cJSON *object)
{
    copy_fact(object, "Status", content->status, sizeof(content->status));
    copy_fact(object, "ProjectId", content->project, sizeof(content->project));
    content->get = cJSON_PrintUnformatted(object);
    to_list_form(object);
    content->list = content->get ? cJSON_PrintUnformatted(object) : NULL;
    return content->list ? 0 : -1;
}

/* The content of a job that lives on: what was laid over it before, and the new fields. */
static int stay_alive(struct sim_patch *content, const char *before_json, const cJSON *fields)
{
    cJSON CLEANUP_JSON *sum = before_json ? cJSON_Parse(before_json) : cJSON_CreateObject();
    const cJSON *field;
    if (!sum)
        return -1;
    cJSON_ArrayForEach (field, fields) {
        cJSON *copy = cJSON_Duplicate(field, true);
        cJSON_DeleteItemFromObjectCaseSensitive(sum, field->string);
        if (!copy || !cJSON_AddItemToObject(sum, field->string, copy)) {
            cJSON_Delete(copy);
            return -1;
        }
    }
    content->fields = cJSON_PrintUnformatted(sum);
    return content->fields ? 0 : -1;
}

static cJSON *parse_job(const struct sim_patch *patch, const struct sim_job *base, int64_t now_ms)
{
    struct buf CLEANUP_BUF text = BUF_INIT(OBJECT_MAX);
    int rc = patch ? sim_patch_write(patch, base, now_ms, SIM_FORM_GET, &text)
                   : sim_job_write(base, now_ms, SIM_FORM_GET, &text);
    return rc < 0 ? NULL : cJSON_Parse(buf_str(&text));
}

static cJSON *new_job(const char *id)
{
    cJSON *object = cJSON_CreateObject();
    if (object && cJSON_AddStringToObject(object, "JobId", id))
        return object;
    cJSON_Delete(object);
    return NULL;
}

/* Move the content into the table. Nothing fails after the entry has been made. */
static int store(struct sim_patches *p, const char *id, struct sim_patch *content)
{
    struct sim_patch *patch = find(p, id);
    if (!patch && !(patch = make(p, id)))
        return -1;
    if (!patch->gone)
        sorted_remove(p, patch);
    patch_empty(patch);
    content->id = patch->id;
    content->order = content->order == UINT64_MAX ? patch->order : content->order;
    *patch = *content;
    content->fields = content->get = content->list = NULL;
    sorted_insert(p, patch);
    return 0;
}

static int apply(struct sim_patches *p, const char *id, const struct sim_job *base, int64_t now_ms,
                 const cJSON *fields)
{
    const struct sim_patch *patch = find(p, id);
    bool live = base && cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(fields, "_live"));
    if (patch && (patch->gone || (patch->fields && !base)))
        patch = NULL, base = live ? base : NULL;
    bool scratch = !patch && !base;
    cJSON CLEANUP_JSON *object = scratch ? new_job(id) : parse_job(patch, base, now_ms);
    if (!object || merge(object, fields) < 0)
        return -1;
    struct sim_patch content = {.order = base ? base->index : UINT64_MAX};
    int64_t otherwise_ms = patch ? patch->create_s * MS_PER_S : base ? base->born_ms : now_ms;
    content.create_s = create_time_s(object, otherwise_ms);
    int rc = live ? stay_alive(&content, patch ? patch->fields : NULL, fields)
                  : stand_still(&content, object);
    if (rc == 0)
        rc = store(p, id, &content);
    patch_empty(&content);
    return rc;
}

int sim_patches_put(struct sim_patches *p, const char *id, const struct sim_job *base,
                    int64_t now_ms, const char *json, struct err *err)
{
    cJSON CLEANUP_JSON *fields = cJSON_Parse(json);
    if (!cJSON_IsObject(fields))
        return err_set(err, "putting job %s: the body is not a JSON object", id);
    if (apply(p, id, base, now_ms, fields) < 0)
        return err_set(err, "putting job %s: no memory, or too many jobs", id);
    return 0;
}

int sim_patches_remove(struct sim_patches *p, const char *id, struct err *err)
{
    struct sim_patch *patch = find(p, id);
    if (!patch && !(patch = make(p, id)))
        return err_set(err, "removing job %s: no memory, or too many jobs", id);
    if (!patch->gone)
        sorted_remove(p, patch);
    patch->gone = true;
    patch_empty(patch);
    return 0;
}

static int write_live(const struct sim_patch *patch, const struct sim_job *base, int64_t now_ms,
                      enum sim_form form, struct buf *out)
{
    cJSON CLEANUP_JSON *object = parse_job(NULL, base, now_ms);
    cJSON CLEANUP_JSON *fields = cJSON_Parse(patch->fields);
    if (!object || !fields || merge(object, fields) < 0)
        return -1;
    if (form == SIM_FORM_LIST)
        to_list_form(object);
    char CLEANUP_FREE *text = cJSON_PrintUnformatted(object);
    return text ? buf_adds(out, text) : -1;
}

int sim_patch_write(const struct sim_patch *patch, const struct sim_job *base, int64_t now_ms,
                    enum sim_form form, struct buf *out)
{
    if (patch->fields)
        return write_live(patch, base, now_ms, form, out);
    return buf_adds(out, form == SIM_FORM_GET ? patch->get : patch->list);
}
