#include "sim/list.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/num.h"
#include "sim/life.h"
#include <string.h>

#define PAGE_MAX (32U << 20)

/* --- parameters --- */

static const char *given(const struct sim_params *params, const char *name)
{
    const char *value = sim_params_get(params, name);
    return value && *value ? value : NULL;
}

static bool one_of(const char *value, const char *const *allowed)
{
    for (; *allowed; allowed++)
        if (strcmp(value, *allowed) == 0)
            return true;
    return false;
}

/* An optional parameter with few values. */
static int parse_choice(const struct sim_params *params, const char *name,
                        const char *const *allowed, const char **out, struct err *err)
{
    *out = given(params, name);
    if (*out && !one_of(*out, allowed))
        return err_set(err, "The specified parameter \"%s\" is not valid.", name);
    return 0;
}

static int parse_time(const struct sim_params *params, const char *name, int64_t otherwise,
                      int64_t *out, struct err *err)
{
    const char *text = given(params, name);
    int64_t ns = otherwise * NS_PER_S;
    if (text && (strlen(text) != CLOCK_ISO_LEN - 1 || clock_parse_iso(text, &ns) < 0))
        return err_set(err, "The specified parameter \"%s\" is not valid.", name);
    *out = ns / NS_PER_S;
    return 0;
}

/* Without EndTime the days are counted to the wall clock's now, from which clients count their
 * StartTime: simulated time may be far ahead of it. */
static int parse_range(const struct sim_params *params, int64_t now_ms, int64_t real_s,
                       struct sim_list_query *q, struct err *err)
{
    if (parse_time(params, "StartTime", 0, &q->start_s, err) < 0 ||
        parse_time(params, "EndTime", now_ms / MS_PER_S, &q->end_s, err) < 0)
        return -1;
    bool reversed = given(params, "EndTime") && q->end_s < q->start_s;
    int64_t until_s = given(params, "EndTime") ? q->end_s : real_s;
    if (given(params, "StartTime") && (reversed || until_s - q->start_s > SIM_LIST_RANGE_S))
        return err_set(err, "The specified parameter \"StartTime\" is not valid: at most 30 days "
                            "before EndTime, and not after it.");
    return 0;
}

static int parse_max(const struct sim_params *params, struct sim_list_query *q, struct err *err)
{
    const char *text = given(params, "MaxResults");
    uint64_t max = SIM_LIST_DEFAULT;
    if (text && num_parse_u64(text, 1, SIM_LIST_MAX, &max) < 0)
        return err_set(err, "The specified parameter \"MaxResults\" is not valid.");
    q->max = (int)max;
    return 0;
}

static int parse_filters(const struct sim_params *params, struct sim_list_query *q, struct err *err)
{
    /* Queuing is no filter of the published operation. */
    static const char *const statuses[] = {"Init", "Processing", "Success", "Failed", NULL};
    static const char *const types[] = {"EditingJob", "LiveEditingJob", "VETemplateJob", NULL};
    static const char *const orders[] = {"CreationTime:Desc", "CreationTime:Asc", NULL};
    const char *order;
    if (parse_choice(params, "Status", statuses, &q->status, err) < 0 ||
        parse_choice(params, "JobType", types, &q->job_type, err) < 0 ||
        parse_choice(params, "SortBy", orders, &order, err) < 0)
        return -1;
    q->ascending = order && strcmp(order, "CreationTime:Asc") == 0;
    q->keyword = given(params, "Keyword");
    q->project = given(params, "ProjectId");
    q->master = given(params, "MasterJobId");
    return 0;
}

/* What a token is bound to. The times are not in it: a client may count EndTime from its own now.
 */
static uint32_t digest(const struct sim_list_query *q)
{
    const char *const texts[] = {q->status, q->job_type, q->keyword, q->project, q->master};
    uint64_t sum = q->ascending;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        sum = sum * 31 + hash_text(texts[i] ? texts[i] : "");
    return (uint32_t)sum;
}

static int parse_token(const struct sim_params *params, struct sim_list_query *q, struct err *err)
{
    const char *text = given(params, "NextToken");
    q->after.query = digest(q);
    if (!text)
        return 0;
    struct sim_token token;
    if (sim_token_read(text, &token) < 0 || token.query != q->after.query)
        return err_set(err, "The specified parameter \"NextToken\" is not valid.");
    q->after = token;
    q->resumes = true;
    return 0;
}

int sim_list_parse(const struct sim_params *params, int64_t now_ms, int64_t real_s,
                   struct sim_list_query *q, struct err *err)
{
    *q = (struct sim_list_query){0};
    if (parse_filters(params, q, err) < 0 || parse_range(params, now_ms, real_s, q, err) < 0 ||
        parse_max(params, q, err) < 0)
        return -1;
    return parse_token(params, q, err);
}

/* --- one page: two sequences in the same order, merged --- */

struct scan {
    const struct sim_world *w;
    const struct sim_list_query *q;
    int64_t now_ms;
    int64_t lo, hi;     /* generated jobs not yet looked at: [lo, hi) */
    int64_t p_lo, p_hi; /* patches likewise */
};

/* One job of either kind. */
struct candidate {
    struct sim_job job; /* if it is generated */
    bool generated;
    const struct sim_patch *patch; /* or NULL */
    int64_t create_s;
    uint64_t order;
};

static int64_t births_before(const struct scan *s, int64_t t_ms)
{
    return (int64_t)sim_births_until(&s->w->births, t_ms - 1);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The range of indexes that time, the year, and a filter for unfinished jobs leave. */
static void bound_generated(struct scan *s)
{
    const struct sim_list_query *q = s->q;
    s->lo =
        larger(births_before(s, q->start_s * MS_PER_S), births_before(s, s->now_ms - SIM_KEEP_MS));
    s->hi = smaller(births_before(s, (q->end_s + 1) * MS_PER_S), births_before(s, s->now_ms + 1));
    bool unfinished =
        q->status && one_of(q->status, (const char *const[]){"Init", "Processing", NULL});
    if (unfinished)
        s->lo = larger(s->lo, births_before(s, s->now_ms - SIM_LIFE_MAX_MS));
    if (!q->resumes)
        return;
    /* Generated jobs of the token's second are [first, last): its order is an index among them, or
     * belongs to a patch, and then all of them come before it. */
    int64_t first = births_before(s, q->after.create_s * MS_PER_S);
    int64_t last = births_before(s, (q->after.create_s + 1) * MS_PER_S);
    int64_t order = (int64_t)smaller((int64_t)q->after.order, INT64_C(1) << 41);
    if (q->ascending)
        s->lo = larger(s->lo, smaller(larger(order + 1, first), last));
    else
        s->hi = smaller(s->hi, smaller(larger(order, first), last));
}

/* Whether the key (create_s, order) comes after the token in the order asked for. */
static bool is_after(const struct sim_list_query *q, int64_t create_s, uint64_t order)
{
    if (!q->resumes)
        return true;
    if (create_s != q->after.create_s)
        return (create_s > q->after.create_s) == q->ascending;
    return q->ascending ? order > q->after.order : order < q->after.order;
}

/* Whether the patch comes before all that the page may show, by time. */
static bool is_before(const struct scan *s, const struct sim_patch *patch)
{
    if (patch->create_s < s->q->start_s)
        return true;
    return s->q->ascending && !is_after(s->q, patch->create_s, patch->order);
}

/* ... or neither that nor behind all of it. */
static bool is_not_behind(const struct scan *s, const struct sim_patch *patch)
{
    if (patch->create_s > s->q->end_s)
        return false;
    return s->q->ascending || is_after(s->q, patch->create_s, patch->order);
}

/* The first patch of which that is not true. */
static int64_t bisect(const struct scan *s,
                      bool (*holds)(const struct scan *s, const struct sim_patch *patch))
{
    int64_t lo = 0, hi = (int64_t)s->w->patches.n_sorted;
    while (lo < hi) {
        int64_t middle = lo + (hi - lo) / 2;
        if (holds(s, s->w->patches.sorted[middle]))
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

/* Patches in range lie together. */
static void bound_patches(struct scan *s)
{
    s->p_lo = bisect(s, is_before);
    s->p_hi = larger(s->p_lo, bisect(s, is_not_behind));
}

static struct candidate generated_at(const struct scan *s, int64_t index)
{
    struct candidate c = {.generated = true, .order = (uint64_t)index};
    c.job = (struct sim_job){s->w->births.seed, c.order, sim_birth_ms(&s->w->births, c.order)};
    c.create_s = c.job.born_ms / MS_PER_S;
    return c;
}

static struct candidate patch_at(const struct scan *s, int64_t at)
{
    struct candidate c = {.patch = s->w->patches.sorted[at]};
    c.generated = sim_world_generated(s->w, c.patch->id, s->now_ms, &c.job);
    c.create_s = c.patch->create_s;
    c.order = c.patch->order;
    return c;
}

/* The next of both sequences. false at the end. */
static bool next(struct scan *s, struct candidate *c)
{
    bool have_job = s->lo < s->hi;
    bool have_patch = s->p_lo < s->p_hi;
    if (!have_job && !have_patch)
        return false;
    bool up = s->q->ascending;
    struct candidate job =
        have_job ? generated_at(s, up ? s->lo : s->hi - 1) : (struct candidate){0};
    struct candidate patch = have_patch ? patch_at(s, up ? s->p_lo : s->p_hi - 1) : job;
    bool job_less =
        job.create_s != patch.create_s ? job.create_s < patch.create_s : job.order < patch.order;
    bool take_job = have_job && (!have_patch || job_less == up);
    *c = take_job ? job : patch;
    if (take_job)
        up ? s->lo++ : s->hi--;
    else
        up ? s->p_lo++ : s->p_hi--;
    return true;
}

/* A generated job that has been patched appears as its patch, or not at all. */
static bool is_patched(const struct scan *s, const struct candidate *c)
{
    if (c->patch || s->w->patches.n_all == 0)
        return false;
    char id[SIM_ID_LEN];
    sim_id_make(c->job.seed, SIM_ID_JOB, c->job.index, id);
    return sim_patches_find(&s->w->patches, id) != NULL;
}

static bool matches_batch(const struct scan *s, const struct candidate *c)
{
    char master[SIM_ID_LEN];
    const char *type = c->generated ? sim_job_type(&c->job) : "EditingJob";
    if (s->q->job_type && strcmp(type, s->q->job_type) != 0)
        return false;
    return !s->q->master ||
           (c->generated && sim_job_master(&c->job, master) && strcmp(master, s->q->master) == 0);
}

static bool has_status(const struct scan *s, const struct candidate *c)
{
    if (!s->q->status)
        return true;
    struct sim_moment m = sim_life_at(c->job.seed, c->job.index, c->job.born_ms, s->now_ms);
    return strcmp(sim_status_name(m.status), s->q->status) == 0;
}

static int matches_generated(const struct scan *s, const struct candidate *c)
{
    char project[SIM_ID_LEN];
    if (!has_status(s, c))
        return 0;
    if (s->q->project &&
        !(sim_job_project(&c->job, project) && strcmp(project, s->q->project) == 0))
        return 0;
    return s->q->keyword ? sim_job_has_word(&c->job, s->q->keyword) : 1;
}

static bool matches_still(const struct scan *s, const struct sim_patch *patch)
{
    if (s->q->status && strcmp(patch->status, s->q->status) != 0)
        return false;
    if (s->q->project && strcmp(patch->project, s->q->project) != 0)
        return false;
    return !s->q->keyword || strstr(patch->id, s->q->keyword) || strstr(patch->list, s->q->keyword);
}

/* 1, 0, or -1 without memory. A live patch is filtered by what lies under it. */
static int matches(const struct scan *s, const struct candidate *c)
{
    if (is_patched(s, c) || (c->patch && c->patch->fields && !c->generated))
        return 0;
    if (!matches_batch(s, c))
        return 0;
    return c->patch && !c->patch->fields ? matches_still(s, c->patch) : matches_generated(s, c);
}

static int write_item(const struct scan *s, const struct candidate *c, struct sim_list_page *page)
{
    if (page->count > 0 && buf_addc(&page->items, ',') < 0)
        return -1;
    page->count++;
    if (!c->patch)
        return sim_job_write(&c->job, s->now_ms, SIM_FORM_LIST, &page->items);
    return sim_patch_write(c->patch, c->generated ? &c->job : NULL, s->now_ms, SIM_FORM_LIST,
                           &page->items);
}

/* A job id as keyword is found at once. */
static void narrow_to_id(struct scan *s)
{
    struct sim_job job;
    if (!s->q->keyword || !sim_world_generated(s->w, s->q->keyword, s->now_ms, &job))
        return;
    s->lo = larger(s->lo, (int64_t)job.index);
    s->hi = smaller(s->hi, (int64_t)job.index + 1);
}

int sim_list_page(const struct sim_world *w, const struct sim_list_query *q, int64_t now_ms,
                  struct sim_list_page *page)
{
    struct scan s = {.w = w, .q = q, .now_ms = now_ms};
    *page = (struct sim_list_page){.items = BUF_INIT(PAGE_MAX)};
    bound_generated(&s);
    bound_patches(&s);
    narrow_to_id(&s);
    struct candidate c;
    for (int seen = 0; seen < SIM_LIST_SCAN_MAX && page->count < q->max && next(&s, &c); seen++) {
        int fits = matches(&s, &c);
        if (fits < 0 || (fits && write_item(&s, &c, page) < 0))
            return -1;
        page->next = (struct sim_token){c.create_s, c.order, q->after.query};
    }
    page->more = s.lo < s.hi || s.p_lo < s.p_hi;
    return 0;
}
