/* Names: job ids, file names of keys, numbers of names. */
#include "base/thread.h"
#include "job/key.h"
#include "job/name.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void fill(char *out, char c, size_t n)
{
    memset(out, c, n);
    out[n] = '\0';
}

static void job_ids_are_8_to_128_of_a_small_alphabet(void **state)
{
    (void)state;
    char text[200];
    assert_true(job_id_possible("cdb3e74639973036bc84aaaabbbbcccc"));
    assert_true(job_id_possible("Job-2026_7"));
    fill(text, 'a', JOB_ID_MIN);
    assert_true(job_id_possible(text));
    fill(text, 'a', JOB_ID_MIN - 1);
    assert_false(job_id_possible(text));
    fill(text, 'a', JOB_ID_MAX);
    assert_true(job_id_possible(text));
    fill(text, 'a', JOB_ID_MAX + 1);
    assert_false(job_id_possible(text));
}

static void names_that_file_managers_probe_for_are_no_job_ids(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      ".",
                                      "..",
                                      ".Trash-1000",
                                      "autorun.inf",
                                      "desktop.ini",
                                      "a b c d e f",
                                      "aaaa/bbbb",
                                      "aaaabbbb\n",
                                      "早上好早上好",
                                      ".hidden"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(job_id_possible(bad[i]));
}

static void keys_become_snake_case(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        bool json;
        const char *name;
    } good[] = {{"MediaURL", false, "media_url"},
                {"VodMediaId", false, "vod_media_id"},
                {"JobId", false, "job_id"},
                {"URL", false, "url"},
                {"HTTPServer", false, "http_server"},
                {"Media2Url", false, "media2_url"},
                {"already_snake", false, "already_snake"},
                {"Kebab-Case", false, "kebab-case"},
                {"OutputMediaConfig", true, "output_media_config.json"},
                {"a.b/c d", false, "a_b_c_d"},
                {"../x", false, "___x"},
                {"早", false, "___"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char name[JOB_NAME_MAX + 1];
        assert_true(job_key_to_name(good[i].key, good[i].json, name));
        assert_string_equal(name, good[i].name);
        assert_true(job_name_possible(name));
    }
}

static void keys_without_a_file_name_are_refused(void **state)
{
    (void)state;
    char key[300], name[JOB_NAME_MAX + 1];
    assert_false(job_key_to_name("", false, name));
    assert_false(job_key_to_name("", true, name));
    fill(key, 'k', JOB_NAME_MAX);
    assert_true(job_key_to_name(key, false, name));
    assert_string_equal(name, key);
    assert_false(job_key_to_name(key, true, name));
    fill(key, 'k', JOB_NAME_MAX - 5);
    assert_true(job_key_to_name(key, true, name));
    assert_int_equal(strlen(name), JOB_NAME_MAX);
    assert_true(job_name_possible(name));
    fill(key, 'k', JOB_NAME_MAX + 1);
    assert_false(job_key_to_name(key, false, name));
    for (size_t i = 0; i < JOB_NAME_MAX; i++) /* each capital costs two bytes */
        key[i] = i % 2 ? 'k' : 'K';
    key[JOB_NAME_MAX] = '\0';
    assert_false(job_key_to_name(key, false, name));
}

static void file_names_of_fields_have_one_shape(void **state)
{
    (void)state;
    char text[200];
    static const char *const bad[] = {"",  ".",   "..",  ".json",       "a.jso",  "a.b",
                                      "A", "a b", "a/b", "a.json.json", "a.JSON", ".icejobfs"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(job_name_possible(bad[i]));
    assert_true(job_name_possible("status"));
    assert_true(job_name_possible("job.json"));
    fill(text, 'a', JOB_NAME_MAX);
    assert_true(job_name_possible(text));
    fill(text, 'a', JOB_NAME_MAX + 1);
    assert_false(job_name_possible(text));
    fill(text, 'a', JOB_NAME_MAX - 5);
    assert_true(job_name_possible(strcat(text, ".json")));
    fill(text, 'a', JOB_NAME_MAX - 4);
    assert_false(job_name_possible(strcat(text, ".json")));
}

static void the_table_of_keys_follows_its_own_rule(void **state)
{
    (void)state;
    for (unsigned id = 0; id < JOB_KEY_COUNT; id++) {
        const struct job_key *key = job_key(id);
        assert_int_equal(job_key_of_name(key->name), id);
        if (key->type == JOB_KEY_MADE)
            continue;
        char name[JOB_NAME_MAX + 1];
        assert_true(job_key_to_name(key->key, key->type == JOB_KEY_JSON, name));
        assert_string_equal(name, key->name);
        assert_int_equal(job_key_find(key->key), id);
    }
    assert_string_equal(job_key(JOB_KEY_MEDIA_URL)->name, "media_url");
    assert_int_equal(JOB_KEY_COUNT, 20);
    assert_int_equal(job_key_find("jobid"), JOB_KEY_COUNT);
    assert_int_equal(job_key_find(""), JOB_KEY_COUNT);
}

static void a_name_keeps_its_number_and_a_number_its_name(void **state)
{
    (void)state;
    assert_int_equal(job_name_find("a_name_of_this_test"), 0);
    uint16_t n = job_name_number("a_name_of_this_test");
    assert_true(n >= 16);
    assert_int_equal(job_name_number("a_name_of_this_test"), n);
    assert_int_equal(job_name_find("a_name_of_this_test"), n);
    assert_string_equal(job_name_text(n), "a_name_of_this_test");
    assert_ptr_equal(job_name_text(n), job_name_text(n));
    assert_null(job_name_text(0));
    assert_null(job_name_text(15));
}

static void what_cannot_be_a_name_gets_no_number(void **state)
{
    (void)state;
    assert_int_equal(job_name_number("../etc"), 0);
    assert_int_equal(job_name_number(""), 0);
    assert_int_equal(job_name_find("../etc"), 0);
}

/* Inode numbers are made of these: a change here changes the inodes of every file. */
static void numbers_are_the_same_after_a_restart(void **state)
{
    (void)state;
    assert_int_equal(job_key_number(JOB_KEY_STATUS), 43987);
    assert_int_equal(job_key_number(JOB_KEY_WHOLE), 63639);
    for (unsigned a = 0; a < JOB_KEY_COUNT; a++)
        for (unsigned b = 0; b < a; b++)
            assert_int_not_equal(job_key_number(a), job_key_number(b));
}

#define THREADS 4
#define NAMES   200

static uint16_t got[THREADS][NAMES];

static void *take_names(void *arg)
{
    uint16_t *mine = arg;
    for (int i = 0; i < NAMES; i++) {
        char name[32];
        snprintf(name, sizeof name, "shared_name_%d", i);
        mine[i] = job_name_number(name);
        const char *text = job_name_text(mine[i]);
        if (!text || strcmp(text, name) != 0 || job_name_find(name) != mine[i])
            mine[i] = 0;
    }
    return NULL;
}

static void threads_agree_on_numbers(void **state)
{
    (void)state;
    pthread_t t[THREADS];
    struct err err;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&t[i], "names", take_names, got[i], &err), 0);
    for (int i = 0; i < THREADS; i++)
        thread_join(t[i]);
    for (int i = 0; i < NAMES; i++) {
        assert_int_not_equal(got[0][i], 0);
        for (int k = 1; k < THREADS; k++)
            assert_int_equal(got[k][i], got[0][i]);
    }
}

static void only_get_tells_what_no_list_shows(void **state)
{
    (void)state;
    static const char *const get[] = {"progress",     "timeline.json", "sub_job_materials.json",
                                      "vod_media_id", "job.json",      "request_id"};
    static const char *const listed[] = {"status",           "media_url", "duration",
                                         "clips_param.json", "code",      "user_data.json"};
    for (size_t i = 0; i < 6; i++) {
        assert_true(job_name_needs_get(job_name_number(get[i])));
        assert_false(job_name_needs_get(job_name_number(listed[i])));
    }
    assert_true(job_name_needs_get(job_name_number("nobody_has_heard_of_it")));
    assert_true(job_name_needs_get(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(job_ids_are_8_to_128_of_a_small_alphabet),
        cmocka_unit_test(names_that_file_managers_probe_for_are_no_job_ids),
        cmocka_unit_test(keys_become_snake_case),
        cmocka_unit_test(keys_without_a_file_name_are_refused),
        cmocka_unit_test(file_names_of_fields_have_one_shape),
        cmocka_unit_test(the_table_of_keys_follows_its_own_rule),
        cmocka_unit_test(a_name_keeps_its_number_and_a_number_its_name),
        cmocka_unit_test(what_cannot_be_a_name_gets_no_number),
        cmocka_unit_test(numbers_are_the_same_after_a_restart),
        cmocka_unit_test(threads_agree_on_numbers),
        cmocka_unit_test(only_get_tells_what_no_list_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
