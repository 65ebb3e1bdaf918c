/* ListMediaProducingJobs: each job once, in order, and every filter. */
#include "sim/life.h"
#include "sim/list.h"
#include "support/alloc_fail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fixture.h"

static cJSON *list_at(struct sim_service *s, const char *query, int64_t ms)
{
    struct sim_reply reply = call_at(s, SIM_ACTION_LIST, query, ms);
    assert_int_equal(reply.status, 200);
    return body_of(&reply);
}

static const cJSON *items_of(const cJSON *page)
{
    return cJSON_GetObjectItemCaseSensitive(page, "MediaProducingJobList");
}

/* Encode what a token may hold beyond letters and digits. */
static void encode(const char *token, char *out)
{
    for (; *token; token++)
        if (strchr("+/=", *token))
            out += snprintf(out, 4, "%%%02X", (unsigned)*token);
        else
            *out++ = *token;
    *out = '\0';
}

#define ALL_MAX 1000

struct all {
    char ids[ALL_MAX][SIM_ID_LEN];
    char times[ALL_MAX][CLOCK_ISO_LEN];
    int n, pages;
};

static void take(struct all *all, const cJSON *page)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, items_of(page)) {
        assert_true(all->n < ALL_MAX);
        snprintf(all->ids[all->n], SIM_ID_LEN, "%s", text_of(item, "JobId"));
        snprintf(all->times[all->n++], CLOCK_ISO_LEN, "%s", text_of(item, "CreateTime"));
    }
}

/* All pages of a query; `between` (may be NULL) runs between two pages. */
static void walk(struct sim_service *s, const char *query, int64_t ms, struct all *all,
                 void (*between)(struct sim_service *s))
{
    char next[256] = "";
    memset(all, 0, sizeof(*all));
    do {
        char full[900];
        snprintf(full, sizeof(full), "%s%s", query, next);
        cJSON *page = list_at(s, full, ms);
        take(all, page);
        all->pages++;
        const char *token = text_of(page, "NextToken");
        next[0] = '\0';
        if (*token) {
            strcpy(next, "&NextToken=");
            encode(token, next + strlen(next));
        }
        cJSON_Delete(page);
        if (between)
            between(s);
    } while (next[0]);
}

static bool has(const struct all *all, const char *id)
{
    for (int i = 0; i < all->n; i++)
        if (strcmp(all->ids[i], id) == 0)
            return true;
    return false;
}

static void assert_distinct(const struct all *all)
{
    for (int i = 0; i < all->n; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(all->ids[i], all->ids[j]);
}

static void assert_ordered(const struct all *all, int sign)
{
    for (int i = 1; i < all->n; i++) {
        int order = strcmp(all->times[i], all->times[i - 1]);
        assert_true(sign > 0 ? order >= 0 : order <= 0);
    }
}

static void pages_cover_each_job_once_in_both_orders(void **state)
{
    (void)state;
    struct sim_service *s = service_of(237);
    struct all all;
    walk(s, "MaxResults=50", 0, &all, NULL);
    assert_int_equal(all.n, 237);
    assert_int_equal(all.pages, 5);
    assert_distinct(&all);
    assert_ordered(&all, -1);
    walk(s, "MaxResults=7&SortBy=CreationTime%3AAsc", 0, &all, NULL);
    assert_int_equal(all.n, 237);
    assert_distinct(&all);
    assert_ordered(&all, 1);
    sim_service_free(s);
}

static void be_born(struct sim_service *s)
{
    sim_clock_advance(&s->clock, 0, 30000);
}

static void births_between_pages_neither_hide_nor_repeat_a_job(void **state)
{
    (void)state;
    struct sim_service *s = service_of(100);
    struct all all;
    walk(s, "MaxResults=9", 0, &all, be_born);
    assert_int_equal(all.n, 100);
    assert_distinct(&all);
    for (uint64_t i = 0; i < 100; i++) {
        char id[SIM_ID_LEN];
        id_of(i, id);
        assert_true(has(&all, id));
    }
    sim_service_free(s);
}

/* Patched, made and removed jobs, some with the same CreateTime as others. */
static void patch_some(struct sim_service *s)
{
    struct sim_patches *p = &s->world.patches;
    for (uint64_t i = 0; i < 100; i += 10) {
        struct sim_job job;
        char id[SIM_ID_LEN];
        id_of(i, id);
        assert_true(sim_world_generated(&s->world, id, EPOCH_S * 1000, &job));
        const char *json =
            i % 20 ? "{\"Status\":\"Failed\"}" : "{\"_live\":true,\"ProjectId\":\"p\"}";
        assert_int_equal(sim_patches_put(p, id, &job, EPOCH_S * 1000, json, NULL), 0);
    }
    for (int i = 0; i < 30; i++) {
        char id[32];
        snprintf(id, sizeof(id), "made-%d", i);
        const char *json =
            i % 3 ? "{\"CreateTime\":\"2026-03-01T08:29:00Z\",\"Status\":\"Init\"}" : "{}";
        assert_int_equal(sim_patches_put(p, id, NULL, EPOCH_S * 1000, json, NULL), 0);
    }
    char id[SIM_ID_LEN];
    id_of(55, id);
    assert_int_equal(sim_patches_remove(p, id, NULL), 0);
    assert_int_equal(sim_patches_remove(p, "made-7", NULL), 0);
}

static void patched_and_made_jobs_take_their_place_and_removed_ones_leave(void **state)
{
    (void)state;
    struct sim_service *s = service_of(100);
    struct all all;
    char id[SIM_ID_LEN];
    patch_some(s);
    for (int max = 1; max < 12; max += 5) {
        char query[64];
        snprintf(query, sizeof(query), "MaxResults=%d&SortBy=CreationTime%%3A%s", max,
                 max == 6 ? "Asc" : "Desc");
        walk(s, query, 0, &all, NULL);
        assert_int_equal(all.n, 100 + 30 - 2);
        assert_distinct(&all);
        id_of(55, id);
        assert_false(has(&all, id));
        assert_true(has(&all, "made-6"));
        assert_false(has(&all, "made-7"));
    }
    sim_service_free(s);
}

/* How many jobs the query finds; each must have `value` in `field` (NULL: any). */
static int count(struct sim_service *s, const char *query, const char *field, const char *value,
                 int64_t ms)
{
    int n = 0;
    char full[600];
    const cJSON *item;
    snprintf(full, sizeof(full), "MaxResults=100&%s", query);
    cJSON *page = list_at(s, full, ms);
    cJSON_ArrayForEach (item, items_of(page)) {
        if (field)
            assert_string_equal(text_of(item, field), value);
        n++;
    }
    cJSON_Delete(page);
    return n;
}

static void a_status_filters(void **state)
{
    (void)state;
    struct sim_service *s = service_of(100);
    int all = 0;
    int queuing = 0;
    static const char *const statuses[] = {"Init", "Processing", "Success", "Failed"};
    for (int i = 0; i < 4; i++) {
        char query[64];
        snprintf(query, sizeof(query), "Status=%s", statuses[i]);
        all += count(s, query, "Status", statuses[i], 0);
    }
    for (uint64_t i = 0; i < 100; i++) {
        int64_t born = sim_birth_ms(&s->world.births, i);
        queuing += sim_life_at(7, i, born, EPOCH_S * 1000).status == SIM_STATUS_QUEUING;
    }
    assert_int_equal(all + queuing, 100);
    assert_true(count(s, "Status=Processing", NULL, NULL, 0) > 0);
    patch_some(s);
    assert_int_equal(count(s, "Status=Init&Keyword=made-", "Status", "Init", 0), 19);
    sim_service_free(s);
}

static void a_project_a_batch_and_a_type_filter(void **state)
{
    (void)state;
    struct sim_service *s = service_of(90);
    int in_types = count(s, "JobType=EditingJob", NULL, NULL, 0) +
                   count(s, "JobType=LiveEditingJob", NULL, NULL, 0) +
                   count(s, "JobType=VETemplateJob", NULL, NULL, 0);
    assert_int_equal(in_types, 90);
    bool batch = false;
    for (uint64_t i = 0; i < 80; i += 8) {
        struct sim_job job = {7, i, 0};
        char id[SIM_ID_LEN];
        char query[64];
        if (sim_job_project(&job, id)) {
            snprintf(query, sizeof(query), "ProjectId=%s", id);
            assert_true(count(s, query, "ProjectId", id, 0) >= 1);
        }
        snprintf(query, sizeof(query), "MasterJobId=%s", id);
        if (sim_job_master(&job, id)) {
            snprintf(query, sizeof(query), "MasterJobId=%s", id);
            assert_int_equal(count(s, query, NULL, NULL, 0), 8);
            batch = true;
        }
    }
    assert_true(batch);
    assert_int_equal(count(s, "ProjectId=nobodys", NULL, NULL, 0), 0);
    sim_service_free(s);
}

static void a_job_id_as_keyword_finds_that_job(void **state)
{
    (void)state;
    struct sim_service *s = service_of(50000);
    char query[64] = "Keyword=";
    id_of(123, query + 8);
    assert_int_equal(count(s, query, "JobId", query + 8, 0), 1);
    sim_service_free(s);
}

static void a_time_range_is_kept_to_the_second(void **state)
{
    (void)state;
    struct sim_service *s = service_of(90);
    for (uint64_t i = 0; i < 90; i += 10) {
        char id[SIM_ID_LEN];
        char iso[CLOCK_ISO_LEN];
        char query[200];
        id_of(i, id);
        clock_iso(sim_birth_ms(&s->world.births, i) / 1000, iso);
        snprintf(query, sizeof(query), "StartTime=%s&EndTime=%s", iso, iso);
        assert_true(count(s, query, "CreateTime", iso, 0) >= 1);
        snprintf(query, sizeof(query), "EndTime=%s&Keyword=%s", iso, id);
        assert_int_equal(count(s, query, NULL, NULL, 0), 1);
    }
    sim_service_free(s);
}

static void what_does_not_fit_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Status=Queuing",
        "Status=success",
        "JobType=x",
        "SortBy=Name",
        "MaxResults=0",
        "MaxResults=101",
        "MaxResults=ten",
        "NextToken=abc",
        "NextToken=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "StartTime=2026-03-01",
        "EndTime=2026-03-01T08:30:00.5Z",
        "StartTime=2026-01-29T08%3A29%3A59Z",
        "StartTime=2026-02-01T00%3A00%3A00Z&EndTime=2026-03-03T00%3A00%3A01Z",
        "StartTime=2026-02-02T00%3A00%3A00Z&EndTime=2026-02-01T00%3A00%3A00Z",
    };
    struct sim_service *s = service_of(20);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sim_reply reply = call_at(s, SIM_ACTION_LIST, bad[i], 0);
        char name[32];
        snprintf(name, sizeof(name), "\\\"%.*s\\\"", (int)strcspn(bad[i], "="), bad[i]);
        assert_non_null(strstr(buf_str(&reply.body), name));
        expect(reply, 400, "InvalidParameter");
    }
    assert_int_equal(count(s, "StartTime=2026-01-30T08%3A30%3A00Z", NULL, NULL, 0), 20);
    sim_clock_advance(&s->clock, 0, INT64_C(40) * 86400000); /* the client's clock stays behind */
    assert_true(count(s, "StartTime=2026-02-28T08%3A30%3A00Z", NULL, NULL, 0) > 20);
    sim_service_free(s);
}

static void a_token_serves_its_own_query_only(void **state)
{
    (void)state;
    struct sim_service *s = service_of(50);
    cJSON *page = list_at(s, "MaxResults=5", 0);
    const char *token = text_of(page, "NextToken");
    assert_non_null(strchr(token, '+'));
    assert_non_null(strchr(token, '='));
    assert_string_equal(text_of(page, "MaxResults"), "5");
    char query[200] = "MaxResults=5&Status=Success&NextToken=";
    encode(token, query + strlen(query));
    expect(call_at(s, SIM_ACTION_LIST, query, 0), 400, "InvalidParameter");
    snprintf(query, sizeof(query), "MaxResults=5&NextToken=%s", token);
    *strchr(query, '+') = ' ';
    expect(call_at(s, SIM_ACTION_LIST, query, 0), 400, "InvalidParameter");
    cJSON_Delete(page);
    sim_service_free(s);
}

static void the_last_page_has_no_token_or_an_empty_one(void **state)
{
    (void)state;
    struct sim_service *s = service_of(3);
    int absent = 0;
    int empty = 0;
    for (int i = 0; i < 6; i++) {
        cJSON *page = list_at(s, "", 0);
        const cJSON *token = cJSON_GetObjectItemCaseSensitive(page, "NextToken");
        absent += !token;
        empty += cJSON_IsString(token) && !token->valuestring[0];
        assert_string_equal(text_of(page, "MaxResults"), "10");
        cJSON_Delete(page);
    }
    assert_true(absent > 0 && empty > 0);
    assert_int_equal(absent + empty, 6);
    sim_service_free(s);
}

static void a_filter_that_finds_little_gives_short_pages_and_goes_on(void **state)
{
    (void)state;
    struct sim_service *s = service_of(50000);
    char query[100] = "MaxResults=100&MasterJobId=";
    struct all all;
    uint64_t first = 0; /* the oldest batch: found on the last page */
    while (!sim_job_master(&(struct sim_job){7, first, 0}, query + 27))
        first += 8;
    walk(s, query, 0, &all, NULL);
    assert_int_equal(all.n, 8);
    assert_int_equal(all.pages, 3);
    sim_service_free(s);
}

static void a_job_older_than_a_year_is_forgotten(void **state)
{
    (void)state;
    struct sim_service *s = service_of(5);
    char query[64] = "JobId=";
    id_of(0, query + 6);
    expect(call_at(s, SIM_ACTION_GET, query, 0), 200, "");
    sim_clock_advance(&s->clock, 0, SIM_KEEP_MS - 72000000);
    expect(call_at(s, SIM_ACTION_GET, query, 0), 200, "");
    sim_clock_advance(&s->clock, 0, 72000001);
    expect(call_at(s, SIM_ACTION_GET, query, 0), 404, "JobNotFound");
    struct all all;
    walk(s, "MaxResults=100&EndTime=2026-03-01T08%3A30%3A00Z&SortBy=CreationTime%3AAsc", 0, &all,
         NULL);
    assert_int_equal(all.n, 0);
    sim_service_free(s);
}

static void without_memory_a_page_fails_and_leaks_nothing(void **state)
{
    (void)state;
    struct sim_service *s = service_of(100);
    patch_some(s);
    for (unsigned n = 1;; n++) {
        struct sim_list_query q = {.end_s = EPOCH_S, .max = 100, .keyword = "a"};
        struct sim_list_page page;
        alloc_fail_at(n);
        int rc = sim_list_page(&s->world, &q, EPOCH_S * 1000, &page);
        bool fired = alloc_fail_fired();
        buf_free(&page.items);
        assert_int_equal(rc, fired ? -1 : 0);
        if (!fired)
            break;
    }
    sim_service_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_cover_each_job_once_in_both_orders),
        cmocka_unit_test(births_between_pages_neither_hide_nor_repeat_a_job),
        cmocka_unit_test(patched_and_made_jobs_take_their_place_and_removed_ones_leave),
        cmocka_unit_test(a_status_filters),
        cmocka_unit_test(a_project_a_batch_and_a_type_filter),
        cmocka_unit_test(a_job_id_as_keyword_finds_that_job),
        cmocka_unit_test(a_time_range_is_kept_to_the_second),
        cmocka_unit_test(what_does_not_fit_is_refused_by_name),
        cmocka_unit_test(a_token_serves_its_own_query_only),
        cmocka_unit_test(the_last_page_has_no_token_or_an_empty_one),
        cmocka_unit_test(a_filter_that_finds_little_gives_short_pages_and_goes_on),
        cmocka_unit_test(a_job_older_than_a_year_is_forgotten),
        cmocka_unit_test(without_memory_a_page_fails_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
