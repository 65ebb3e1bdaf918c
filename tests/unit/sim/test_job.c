/* Generated jobs as JSON: whole, varied, and the same for the same seed. */
#include "sim/job.h"
#include "sim/life.h"
#include "support/alloc_fail.h"
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BORN INT64_C(1772353800000)
#define JOBS 400

static cJSON *write_job(uint64_t index, int64_t age_ms, enum sim_form form)
{
    struct buf CLEANUP_BUF text = BUF_INIT(1U << 20);
    struct sim_job job = {7, index, BORN};
    assert_int_equal(sim_job_write(&job, BORN + age_ms, form, &text), 0);
    cJSON *json = cJSON_Parse(buf_str(&text));
    assert_non_null(json);
    return json;
}

static const cJSON *field(const cJSON *json, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(json, key);
}

static bool is_given(const cJSON *json, const char *key)
{
    const cJSON *item = field(json, key);
    return item && !cJSON_IsNull(item) && !(cJSON_IsString(item) && !item->valuestring[0]);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 50; i++) {
        struct buf CLEANUP_BUF a = BUF_INIT(1U << 20);
        struct buf CLEANUP_BUF b = BUF_INIT(1U << 20);
        struct buf CLEANUP_BUF c = BUF_INIT(1U << 20);
        struct sim_job job = {7, i, BORN};
        struct sim_job other = {8, i, BORN};
        assert_int_equal(sim_job_write(&job, BORN + 30000, SIM_FORM_GET, &a), 0);
        assert_int_equal(sim_job_write(&job, BORN + 30000, SIM_FORM_GET, &b), 0);
        assert_int_equal(sim_job_write(&other, BORN + 30000, SIM_FORM_GET, &c), 0);
        assert_string_equal(buf_str(&a), buf_str(&b));
        assert_string_not_equal(buf_str(&a), buf_str(&c));
    }
}

static void fields_go_with_the_status(void **state)
{
    (void)state;
    int failed = 0;
    for (uint64_t i = 0; i < JOBS; i++)
        for (int64_t age = 0; age <= SIM_LIFE_MAX_MS; age += SIM_LIFE_MAX_MS / 4) {
            cJSON *json = write_job(i, age, SIM_FORM_GET);
            const char *status = field(json, "Status")->valuestring;
            bool is_failed = strcmp(status, "Failed") == 0;
            bool is_success = strcmp(status, "Success") == 0;
            failed += is_failed;
            assert_int_equal(is_given(json, "Message"), is_failed);
            if (is_failed)
                assert_true(is_given(json, "Code"));
            if (!is_success)
                assert_null(field(json, "Duration"));
            assert_int_equal(is_given(json, "CompleteTime"), is_failed || is_success);
            if (is_success)
                assert_true(is_given(json, "MediaURL"));
            assert_true(cJSON_IsNumber(field(json, "Progress")));
            cJSON_Delete(json);
        }
    assert_true(failed > 0);
}

static void empty_fields_are_absent_empty_or_null(void **state)
{
    (void)state;
    int absent = 0;
    int empty = 0;
    int null = 0;
    for (uint64_t i = 0; i < JOBS; i++) {
        cJSON *json = write_job(i, 0, SIM_FORM_GET);
        const cJSON *item = field(json, "TemplateId");
        absent += !item;
        null += cJSON_IsNull(item);
        empty += cJSON_IsString(item) && !item->valuestring[0];
        cJSON_Delete(json);
    }
    assert_true(absent > 10);
    assert_true(empty > 10);
    assert_true(null > 10);
}

static void timelines_are_mostly_small_and_sometimes_large(void **state)
{
    (void)state;
    int small = 0;
    int large = 0;
    int broken = 0;
    for (uint64_t i = 0; i < 3 * JOBS; i++) {
        cJSON *json = write_job(i, SIM_LIFE_MAX_MS, SIM_FORM_GET);
        const char *text = field(json, "Timeline")->valuestring;
        cJSON *timeline = cJSON_Parse(text);
        small += strlen(text) >= 900 && strlen(text) <= 6000;
        large += strlen(text) > 150000;
        if (!timeline) {
            broken++;
            assert_string_equal(field(json, "Code")->valuestring, "TimelineFormatError");
        }
        cJSON_Delete(timeline);
        cJSON_Delete(json);
    }
    assert_true(small > 3 * JOBS * 9 / 10);
    assert_in_range(large, 1, 3 * JOBS / 20);
    assert_in_range(broken, 1, 3 * JOBS / 20);
}

static void durations_are_half_seconds_or_frames(void **state)
{
    (void)state;
    bool halves = false;
    bool frames = false;
    for (uint64_t i = 0; i < JOBS; i++) {
        cJSON *json = write_job(i, SIM_LIFE_MAX_MS, SIM_FORM_LIST);
        const cJSON *duration = field(json, "Duration");
        if (duration) {
            double twice = duration->valuedouble * 2;
            bool half = twice == (double)(int)twice;
            halves = halves || half;
            frames = frames || !half;
            assert_true(duration->valuedouble > 0);
        }
        cJSON_Delete(json);
    }
    assert_true(halves && frames);
}

static void a_list_shows_the_same_values_without_four_fields(void **state)
{
    (void)state;
    static const char *const of_get_alone[] = {"Timeline", "Progress", "SubJobMaterials",
                                               "VodMediaId"};
    for (uint64_t i = 0; i < JOBS; i++) {
        cJSON *get = write_job(i, SIM_LIFE_MAX_MS, SIM_FORM_GET);
        cJSON *list = write_job(i, SIM_LIFE_MAX_MS, SIM_FORM_LIST);
        for (int f = 0; f < 4; f++) {
            assert_null(field(list, of_get_alone[f]));
            cJSON_DeleteItemFromObjectCaseSensitive(get, of_get_alone[f]);
        }
        assert_true(cJSON_Compare(get, list, true));
        cJSON_Delete(get);
        cJSON_Delete(list);
    }
}

static void user_data_fits_and_need_not_be_json(void **state)
{
    (void)state;
    int plain = 0;
    for (uint64_t i = 0; i < JOBS; i++) {
        cJSON *json = write_job(i, 0, SIM_FORM_LIST);
        const char *text = field(json, "UserData")->valuestring;
        cJSON *parsed = cJSON_Parse(text);
        assert_true(strlen(text) <= 512);
        plain += !parsed;
        cJSON_Delete(parsed);
        cJSON_Delete(json);
    }
    assert_in_range(plain, 1, JOBS / 8);
}

static void filters_know_types_projects_batches_and_words(void **state)
{
    (void)state;
    int templates = 0;
    int live = 0;
    int batch = 0;
    for (uint64_t i = 0; i < JOBS; i++) {
        struct sim_job job = {7, i, BORN};
        char id[SIM_ID_LEN];
        templates += strcmp(sim_job_type(&job), "VETemplateJob") == 0;
        live += strcmp(sim_job_type(&job), "LiveEditingJob") == 0;
        batch += sim_job_master(&job, id);
        sim_id_make(7, SIM_ID_JOB, i, id);
        assert_int_equal(sim_job_has_word(&job, id), 1);
        assert_int_equal(sim_job_has_word(&job, "no such word"), 0);
        if (sim_job_project(&job, id))
            assert_int_equal(sim_job_has_word(&job, id), 1);
    }
    assert_true(templates > 20 && live > 2 && batch > 20);
}

static void without_memory_it_fails_and_leaks_nothing(void **state)
{
    (void)state;
    struct sim_job job = {7, 3, BORN};
    for (unsigned n = 1;; n++) {
        struct buf text = BUF_INIT(1U << 20);
        alloc_fail_at(n);
        int rc = sim_job_write(&job, BORN, SIM_FORM_GET, &text);
        int word = sim_job_has_word(&job, "no such word");
        bool fired = alloc_fail_fired();
        buf_free(&text);
        assert_int_equal(rc < 0 || word < 0, fired);
        if (!fired)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(fields_go_with_the_status),
        cmocka_unit_test(empty_fields_are_absent_empty_or_null),
        cmocka_unit_test(timelines_are_mostly_small_and_sometimes_large),
        cmocka_unit_test(durations_are_half_seconds_or_frames),
        cmocka_unit_test(a_list_shows_the_same_values_without_four_fields),
        cmocka_unit_test(user_data_fits_and_need_not_be_json),
        cmocka_unit_test(filters_know_types_projects_batches_and_words),
        cmocka_unit_test(without_memory_it_fails_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
