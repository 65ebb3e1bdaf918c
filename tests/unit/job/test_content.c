/* The rules of content: which fields of a Get reply have a file, its name and its bytes. */
#include "job/key.h"
#include "job/name.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "job/samples.h"

static void the_documented_sample_gives_all_files(void **state)
{
    (void)state;
    static const char *const names[] = {
        "clips_param.json", "code",          "complete_time",  "create_time",
        "duration",         "job.json",      "job_id",         "media_id",
        "media_url",        "message",       "modified_time",  "progress",
        "project_id",       "request_id",    "status",         "sub_job_materials.json",
        "template_id",      "timeline.json", "user_data.json", "vod_media_id"};
    struct job *j = get_sample("get_failed.json");
    assert_int_equal(job_n_fields(j), sizeof names / sizeof *names);
    for (size_t i = 0; i < job_n_fields(j); i++)
        assert_string_equal(job_field_at(j, i)->name, names[i]);
    assert_file(j, "media_url", "http://example-bucket.oss-cn-shanghai.aliyuncs.com/example.mp4\n");
    assert_file(j, "progress", "100\n");
    assert_file(j, "clips_param.json", "{\"VideoArray\":[\"0cc6ba49eab379332c5b\"]}\n");
    job_unref(j);
}

/* The sample is Failed, and yet it has a Duration and a MediaURL; it was completed after it was
 * last modified. */
static void the_traps_of_the_documented_sample_are_content(void **state)
{
    (void)state;
    struct job *j = get_sample("get_failed.json");
    assert_int_equal(job_status(j), JOB_STATUS_FAILED);
    assert_true(job_final(j));
    assert_false(job_partial(j));
    assert_string_equal(job_id(j), ID);
    assert_string_equal(job_request_id(j), "83B7-7F87-4792-BFE9-63CD2137****");
    assert_file(j, "request_id", "83B7-7F87-4792-BFE9-63CD2137****\n");
    assert_file(j, "duration", "30.5\n");
    assert_file(j, "code", "ExceededMaximumValue\n");
    assert_file(j, "complete_time", "2020-12-23T13:33:52Z\n");
    assert_file(j, "modified_time", "2020-12-23T13:33:49Z\n");
    job_unref(j);
}

static void absent_null_and_empty_fields_have_no_file(void **state)
{
    (void)state;
    struct job *j = get_sample("get_processing.json");
    assert_file(j, "project_id", NULL); /* empty */
    assert_file(j, "media_id", NULL);   /* null */
    assert_file(j, "media_url", NULL);  /* absent */
    assert_file(j, "complete_time", NULL);
    assert_file(j, "message", NULL);
    assert_file(j, "progress", "42\n");
    assert_file(j, "timeline.json", "{}\n");
    assert_false(job_final(j));
    job_unref(j);

    j = get(REPLY(",\"Duration\":null,\"New\":null,\"Other\":\"\""));
    assert_int_equal(job_n_fields(j), 3); /* job_id, job.json, request_id */
    job_unref(j);
}

static void a_field_of_zero_is_content(void **state)
{
    (void)state;
    struct job *j = get(REPLY(",\"Progress\":0,\"Duration\":0.0"));
    assert_file(j, "progress", "0\n");
    assert_file(j, "duration", "0\n");
    job_unref(j);
}

static void text_ends_in_one_line_feed(void **state)
{
    (void)state;
    struct job *j =
        get(REPLY(",\"Message\":\"ends\\n\",\"Code\":\"two\\n\\n\",\"UserData\":\"{}\\n\""
                  ",\"Timeline\":\"\\n\",\"MediaId\":\"none\""));
    assert_file(j, "message", "ends\n");
    assert_file(j, "code", "two\n\n");
    assert_file(j, "user_data.json", "{}\n");
    assert_file(j, "timeline.json", "\n");
    assert_file(j, "media_id", "none\n");
    job_unref(j);
}

static void escapes_and_control_characters_are_content(void **state)
{
    (void)state;
    struct job *j = get_sample("get_escapes.json");
    assert_file(j, "message", "你好 🎬\t\x01/\n");
    assert_file(j, "duration", "30.5\n");
    assert_int_equal(job_status(j), JOB_STATUS_INIT);
    job_unref(j);
}

static void json_texts_are_given_byte_for_byte_even_if_they_do_not_parse(void **state)
{
    (void)state;
    struct job *j =
        get(REPLY(",\"Timeline\":\"{ \\\"a\\\" : 1.50,\\r\\n}\",\"UserData\":\"not json\""));
    assert_file(j, "timeline.json", "{ \"a\" : 1.50,\r\n}\n");
    assert_file(j, "user_data.json", "not json\n");
    job_unref(j);
}

static void job_json_is_the_reply_as_sent(void **state)
{
    (void)state;
    char path[512];
    CLEANUP_BUF struct buf body = BUF_INIT(1 << 20);
    snprintf(path, sizeof path, CORPUS "/get_processing.json");
    read_file(path, &body);
    struct job *j = get(buf_str(&body));
    assert_int_equal(buf_addc(&body, '\n'), 0);
    assert_file(j, "job.json", buf_str(&body));
    job_unref(j);

    static const char with_end[] = " " REPLY("") " \n";
    j = get(with_end);
    assert_file(j, "job.json", with_end);
    job_unref(j);
}

static void unknown_keys_become_files_by_the_same_rule(void **state)
{
    (void)state;
    struct caught log = catch_log();
    struct job *j = get_sample("get_unknown_keys.json");
    assert_int_equal(caught_lines(&log, "belongs to another key"), 2);
    assert_file(j, "output_media_config.json", "{\"Width\": 1920, \"标签\": [\"a\"]}\n");
    assert_file(j, "tags.json", "[]\n");
    assert_file(j, "http_server2_name", "x\n");
    assert_file(j, "big", "9007199254740993\n");
    assert_file(j, "tiny", "1e-07\n");
    assert_file(j, "flag", "true\n");
    assert_file(j, "off", "false\n");
    assert_file(j, "progress", NULL);    /* only Progress may make it */
    assert_file(j, "request_id", "R\n"); /* not the member of the same name */
    assert_file(j, "________", "v\n");   /* four letters of two bytes */
    assert_file(j, "extra", NULL);       /* beside the job, not of it */
    job_unref(j);
}

static void a_dropped_key_is_logged_once(void **state)
{
    (void)state;
    char body[600];
    char key[300];
    memset(key, 'k', sizeof key);
    snprintf(body, sizeof body, REPLY(",\"\":1,\"%.200s\":2,\"Ok\":3"), key);
    struct caught log = catch_log();
    struct job *a = get(body), *b = get(body);
    assert_int_equal(caught_lines(&log, "cannot be a file name"), 2);
    assert_int_equal(job_n_fields(a), 4);
    assert_file(a, "ok", "3\n");
    job_unref(a);
    job_unref(b);
}

static void of_two_keys_with_one_name_the_same_wins_in_any_order(void **state)
{
    (void)state;
    struct caught log = catch_log();
    struct job *a = get(REPLY(",\"FooBar\":1,\"foo_bar\":2,\"Foo_bar\":3"));
    struct job *b = get(REPLY(",\"foo_bar\":2,\"Foo_bar\":3,\"FooBar\":1"));
    assert_int_equal(caught_lines(&log, "belongs to another key"), 2);
    assert_file(a, "foo_bar", "1\n");
    assert_file(b, "foo_bar", "1\n");
    job_unref(a);
    job_unref(b);
}

static void log_lines_about_keys_are_bounded(void **state)
{
    (void)state;
    char body[300];
    struct caught log = catch_log();
    for (int i = 0; i < 2000; i++) {
        snprintf(body, sizeof body, REPLY(",\"media.Id%d\":1,\"media*Id%d\":1"), i % 1000,
                 i % 1000);
        job_unref(get(body));
    }
    unsigned lines = caught_lines(&log, "belongs to another key");
    assert_true(lines > 100 && lines <= 256);
}

static void documented_strings_must_be_strings(void **state)
{
    (void)state;
    static const char *const values[] = {"1", "true", "{}", "[]", "[\"x\"]"};
    char body[300];
    for (unsigned id = 0; id < JOB_KEY_COUNT; id++) {
        const struct job_key *key = job_key(id);
        if ((key->type != JOB_KEY_TEXT && key->type != JOB_KEY_JSON) || id == JOB_KEY_JOB_ID)
            continue;
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            snprintf(body, sizeof body, REPLY(",\"%s\":%s"), key->key, values[i]);
            assert_refused(body, "not a string");
        }
    }
    assert_refused("{\"MediaProducingJob\":{\"JobId\":7}}", "JobId is a number, not a string");
}

static void documented_numbers_must_be_numbers(void **state)
{
    (void)state;
    assert_refused(REPLY(",\"Progress\":\"50\""), "Progress is a string, not an integer");
    assert_refused(REPLY(",\"Progress\":{}"), "not an integer");
    assert_refused(REPLY(",\"Progress\":true"), "not an integer");
    assert_refused(REPLY(",\"Progress\":0.5"), "not an integer");
    assert_refused(REPLY(",\"Duration\":\"30.5\""), "Duration is a string, not a number");
    assert_refused(REPLY(",\"Duration\":[1]"), "not a number");
    struct job *j = get(REPLY(",\"Progress\":-3.0"));
    assert_file(j, "progress", "-3\n");
    job_unref(j);
    j = get(REPLY(",\"Progress\":12345678901234567890"));
    assert_file(j, "progress", "12345678901234567890\n");
    job_unref(j);
}

static void a_reply_for_another_job_is_refused(void **state)
{
    (void)state;
    assert_refused("{\"MediaProducingJob\":{\"JobId\":\"aaaabbbbccccdddd\"}}", "another job");
    assert_refused("{\"MediaProducingJob\":{\"JobId\":\"" ID "x\"}}", "another job");
    assert_refused("{\"MediaProducingJob\":{\"JobId\":\"../" ID "\"}}", "cannot be one");
    assert_refused("{\"MediaProducingJob\":{\"JobId\":\"..\"}}", "cannot be one");
    assert_refused("{\"MediaProducingJob\":{\"JobId\":\"\"}}", "no JobId");
    assert_refused("{\"MediaProducingJob\":{\"JobId\":null}}", "no JobId");
    assert_refused("{\"MediaProducingJob\":{}}", "no JobId");
}

static void what_is_no_reply_is_refused_with_the_reason(void **state)
{
    (void)state;
    assert_refused("", "byte 0");
    assert_refused("<html>", "byte 0");
    assert_refused("[]", "it is an array");
    assert_refused("{}", "no MediaProducingJob");
    assert_refused("{\"MediaProducingJob\":null}", "no MediaProducingJob");
    assert_refused("{\"MediaProducingJob\":[]}", "it is an array, not an object");
    assert_refused("{\"Code\":\"Busy\\n\"}", "the Code \"Busy?\"");
    assert_refused("{\"Code\":5}", "no MediaProducingJob");
    assert_refused("{\"RequestId\":5,\"MediaProducingJob\":{\"JobId\":\"" ID "\"}}",
                   "RequestId is");
    struct err err = {""};
    assert_null(job_from_get(ID, "{", 1, NULL, NOW, &err));
    assert_int_equal(strncmp(err.text, "reply of GetMediaProducingJob for " ID ": ", 67 + 1), 0);
    assert_null(job_from_get(ID, "{", 1, NULL, NOW, NULL));
}

static void a_key_twice_is_refused(void **state)
{
    (void)state;
    assert_refused(REPLY(",\"Status\":\"Init\",\"Status\":\"Failed\""), "Status is there twice");
    assert_refused(REPLY(",\"Job\\u0049d\":\"" ID "\""), "JobId is there twice");
    assert_refused(REPLY(",\"New\":1,\"New\":null"), "twice");
    assert_refused("{\"RequestId\":\"a\",\"RequestId\":\"a\",\"MediaProducingJob\":{\"JobId\":\"" ID
                   "\"}}",
                   "RequestId is there twice");
    job_unref(get(REPLY(",\"New\":{\"a\":1,\"a\":2}"))); /* bytes as sent: not ours to read */
}

static void keys_and_request_ids_have_ceilings(void **state)
{
    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        CLEANUP_BUF struct buf b = BUF_INIT(1 << 20);
        assert_int_equal(buf_adds(&b, "{\"MediaProducingJob\":{\"JobId\":\"" ID "\""), 0);
        for (unsigned i = 0; i < JOB_KEYS_MAX - 1 + more; i++)
            assert_int_equal(buf_addf(&b, ",\"key%u\":%u", i, i), 0);
        assert_int_equal(buf_adds(&b, "}}"), 0);
        if (more) {
            assert_refused(buf_str(&b), "more than 256 keys");
            continue;
        }
        struct job *j = get(buf_str(&b));
        assert_int_equal(job_n_fields(j), JOB_KEYS_MAX + 1);
        job_unref(j);
    }
    char body[600];
    snprintf(body, sizeof body, "{\"RequestId\":\"%0257d\",\"MediaProducingJob\":{}}", 0);
    assert_refused(body, "RequestId is longer");
}

static void a_reply_without_request_id_has_none(void **state)
{
    (void)state;
    static const char *const without[] = {
        "{\"MediaProducingJob\":{\"JobId\":\"" ID "\"}}",
        "{\"RequestId\":null,\"MediaProducingJob\":{\"JobId\":\"" ID "\"}}",
        "{\"RequestId\":\"\",\"MediaProducingJob\":{\"JobId\":\"" ID "\"}}"};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        struct job *j = get(without[i]);
        assert_string_equal(job_request_id(j), "");
        assert_file(j, "request_id", NULL);
        assert_int_equal(job_n_fields(j), 2);
        job_unref(j);
    }
}

static void statuses_are_compared_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum job_status status;
        bool final;
    } rows[] = {{"Init", JOB_STATUS_INIT, false},
                {"Queuing", JOB_STATUS_QUEUING, false},
                {"Processing", JOB_STATUS_PROCESSING, false},
                {"Success", JOB_STATUS_SUCCESS, true},
                {"Failed", JOB_STATUS_FAILED, true},
                {"Sucess", JOB_STATUS_OTHER, false},
                {"success", JOB_STATUS_OTHER, false},
                {"Success ", JOB_STATUS_OTHER, false},
                {"Finished", JOB_STATUS_OTHER, false}};
    char body[200];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(body, sizeof body, REPLY(",\"Status\":\"%s\""), rows[i].text);
        struct job *j = get(body);
        assert_int_equal(job_status(j), rows[i].status);
        assert_int_equal(job_final(j), rows[i].final);
        if (rows[i].status != JOB_STATUS_OTHER)
            assert_string_equal(job_status_name(rows[i].status), rows[i].text);
        job_unref(j);
    }
    assert_null(job_status_name(JOB_STATUS_OTHER));
    assert_null(job_status_name((enum job_status)99));
    struct job *j = get(REPLY(""));
    assert_int_equal(job_status(j), JOB_STATUS_OTHER);
    job_unref(j);
}

static void fields_are_found_by_name_and_by_number(void **state)
{
    (void)state;
    struct job *j = get_sample("get_failed.json");
    for (size_t i = 0; i < job_n_fields(j); i++) {
        const struct job_field *f = job_field_at(j, i);
        assert_ptr_equal(job_find(j, f->name), f);
        assert_ptr_equal(job_find_number(j, f->number), f);
        assert_int_equal(job_name_find(f->name), f->number);
        assert_ptr_equal(job_name_text(f->number), f->name);
    }
    assert_null(job_find(j, "nothing"));
    assert_null(job_find(j, ""));
    assert_null(job_find_number(j, 0));
    job_unref(j);
}

static void a_long_chinese_timeline_comes_through_whole(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf body = BUF_INIT(1 << 20), want = BUF_INIT(1 << 20);
    assert_int_equal(buf_adds(&body, REPLY(",\"Timeline\":\"{")), 0);
    body.len -= strlen("}}"); /* the macro has closed what goes on here */
    assert_int_equal(buf_adds(&want, "{"), 0);
    for (int i = 0; want.len < 200000; i++) {
        assert_int_equal(buf_addf(&body, "\\\"字幕%d\\\":\\\"早上好\\u4e16界\\\",", i), 0);
        assert_int_equal(buf_addf(&want, "\"字幕%d\":\"早上好世界\",", i), 0);
    }
    assert_int_equal(buf_adds(&body, "}\"}}"), 0);
    assert_int_equal(buf_adds(&want, "}\n"), 0);
    struct job *j = get(buf_str(&body));
    assert_file(j, "timeline.json", buf_str(&want));
    assert_true(job_size(j) >= body.len + want.len);
    assert_true(job_size(j) < body.len + want.len + 4096);
    job_unref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_sample_gives_all_files),
        cmocka_unit_test(the_traps_of_the_documented_sample_are_content),
        cmocka_unit_test(absent_null_and_empty_fields_have_no_file),
        cmocka_unit_test(a_field_of_zero_is_content),
        cmocka_unit_test(text_ends_in_one_line_feed),
        cmocka_unit_test(escapes_and_control_characters_are_content),
        cmocka_unit_test(json_texts_are_given_byte_for_byte_even_if_they_do_not_parse),
        cmocka_unit_test(job_json_is_the_reply_as_sent),
        cmocka_unit_test(unknown_keys_become_files_by_the_same_rule),
        cmocka_unit_test(a_dropped_key_is_logged_once),
        cmocka_unit_test(of_two_keys_with_one_name_the_same_wins_in_any_order),
        cmocka_unit_test(log_lines_about_keys_are_bounded),
        cmocka_unit_test(documented_strings_must_be_strings),
        cmocka_unit_test(documented_numbers_must_be_numbers),
        cmocka_unit_test(a_reply_for_another_job_is_refused),
        cmocka_unit_test(what_is_no_reply_is_refused_with_the_reason),
        cmocka_unit_test(a_key_twice_is_refused),
        cmocka_unit_test(keys_and_request_ids_have_ceilings),
        cmocka_unit_test(a_reply_without_request_id_has_none),
        cmocka_unit_test(statuses_are_compared_exactly),
        cmocka_unit_test(fields_are_found_by_name_and_by_number),
        cmocka_unit_test(a_long_chinese_timeline_comes_through_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
