/* The thread that keeps keys fresh: old keys last until new ones are there, and nobody waits. */
#include "api/creds_keeper.h"
#include "api/http.h"
#include "base/clock.h"
#include "support/fake_cloud.h"
#include "support/httpd.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CLI     ".aliyun/config.json"
#define INI     ".alibabacloud/credentials"
#define WAIT_MS 15000

struct scene {
    struct world *w;
    struct cloud cloud;
    struct creds *creds;
    atomic_int changes;
};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    s->w = world_start();
    cloud_start(&s->cloud, s->w);
    world_set(s->w, "ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    creds_free(s->creds);
    cloud_stop(&s->cloud);
    world_end(s->w);
    free(s);
    return 0;
}

static void on_change(void *arg)
{
    struct scene *s = arg;
    atomic_fetch_add(&s->changes, 1);
}

static void start(struct scene *s)
{
    s->creds = creds_new(world_env(s->w), NULL);
    s->creds->look_ms = 10;
    creds_load(s->creds, 5000, NULL);
    assert_int_equal(creds_start(s->creds, on_change, s, NULL), 0);
}

/* Wait, with a deadline, until the condition holds. */
#define EVENTUALLY(condition)                                                                      \
    do {                                                                                           \
        int64_t deadline_ = clock_mono_ms() + WAIT_MS;                                             \
        while (!(condition)) {                                                                     \
            if (clock_mono_ms() > deadline_)                                                       \
                fail_msg("did not come: %s", #condition);                                          \
            usleep(2000);                                                                          \
        }                                                                                          \
    } while (0)

static bool has_key(struct scene *s, const char *id)
{
    struct creds_keys *k = creds_get(s->creds, NULL);
    bool same = k && strcmp(k->key_id, id) == 0;
    creds_keys_unref(k);
    return same;
}

static bool has_some_key(struct scene *s)
{
    struct creds_keys *k = creds_get(s->creds, NULL);
    creds_keys_unref(k);
    return k != NULL;
}

static void write_ak(struct scene *s, const char *id)
{
    char text[400];
    snprintf(text, sizeof text,
             "{\"profiles\":[{\"name\":\"default\",\"mode\":\"AK\",\"access_key_id\":\"%s\","
             "\"access_key_secret\":\"" SECRET_MARK "\"}]}",
             id);
    world_write(s->w, CLI, text);
}

static void write_ini(struct scene *s, const char *id)
{
    char text[200];
    snprintf(text, sizeof text,
             "[default]\ntype=access_key\naccess_key_id=%s\naccess_key_secret=" SECRET_MARK "\n",
             id);
    world_write(s->w, INI, text);
}

static void set_uri(struct scene *s)
{
    static char uri[100];
    snprintf(uri, sizeof uri, "%s/uri", httpd_url(s->cloud.server));
    world_set(s->w, "ALIBABA_CLOUD_CREDENTIALS_URI", uri);
}

static void a_changed_file_brings_its_new_keys(void **state)
{
    struct scene *s = *state;
    write_ak(s, "one");
    start(s);
    assert_true(has_key(s, "one"));
    write_ak(s, "two");
    EVENTUALLY(has_key(s, "two"));
    EVENTUALLY(s->changes > 0);
}

static void old_keys_stay_while_a_file_is_broken(void **state)
{
    struct scene *s = *state;
    write_ak(s, "one");
    set_uri(s);
    start(s);
    world_write(s->w, CLI, "{\"profiles\":[{\"name\":\"def");
    EVENTUALLY(s->changes > 0);
    assert_true(has_key(s, "one"));
    assert_int_equal(s->cloud.uris, 0);
    write_ak(s, "two");
    EVENTUALLY(has_key(s, "two"));
    char *log = world_log(s->w);
    assert_non_null(
        strstr(log, "credentials not renewed, will retry error=\"~/.aliyun/config.json"));
    free(log);
}

static void a_file_that_vanishes_makes_us_walk_the_whole_chain(void **state)
{
    struct scene *s = *state;
    write_ak(s, "one");
    write_ini(s, "two");
    start(s);
    assert_true(has_key(s, "one"));
    world_remove(s->w, CLI);
    EVENTUALLY(has_key(s, "two"));
}

static void a_file_that_takes_precedence_is_noticed_when_it_appears(void **state)
{
    struct scene *s = *state;
    write_ini(s, "two");
    start(s);
    assert_true(has_key(s, "two"));
    write_ak(s, "one");
    EVENTUALLY(has_key(s, "one"));
}

static void a_file_that_comes_later_in_the_chain_changes_nothing(void **state)
{
    struct scene *s = *state;
    write_ak(s, "one");
    start(s);
    write_ini(s, "two");
    write_ini(s, "three");
    write_ak(s, "four");
    EVENTUALLY(has_key(s, "four"));
    assert_int_equal(creds_chain_files(CREDS_SOURCE_CLI_FILE), 1u << CREDS_FILE_CLI);
    assert_int_equal(creds_chain_files(CREDS_SOURCE_OIDC), 0);
}

static void keys_that_come_late_are_found_without_a_restart(void **state)
{
    struct scene *s = *state;
    start(s);
    struct err err = {0};
    assert_null(creds_get(s->creds, &err));
    assert_non_null(strstr(err.text, "aliyun configure"));
    write_ak(s, "one");
    EVENTUALLY(has_key(s, "one"));
}

static void temporary_keys_are_renewed_before_they_end(void **state)
{
    struct scene *s = *state;
    set_uri(s);
    s->cloud.life_s = 3600;
    start(s);
    assert_true(has_key(s, CLOUD_KEY_ID "1"));
    /* 14 minutes before the end: within the quarter of an hour. */
    world_shift_clock(INT64_C(46) * 60 * 1000);
    s->cloud.life_s = 7200;
    EVENTUALLY(has_key(s, CLOUD_KEY_ID "2"));
}

static void old_keys_last_to_their_end_while_renewing_fails(void **state)
{
    struct scene *s = *state;
    set_uri(s);
    start(s);
    s->cloud.uri_status = 500;
    world_shift_clock(INT64_C(59) * 60 * 1000);
    EVENTUALLY(s->cloud.uris >= 2);
    assert_true(has_key(s, CLOUD_KEY_ID "1"));
    world_shift_clock(INT64_C(61) * 60 * 1000);
    struct err err = {0};
    EVENTUALLY(s->changes > 0);
    assert_null(creds_get(s->creds, &err));
    assert_non_null(strstr(err.text, "the keys of credentials URI expired at 20"));
    assert_non_null(strstr(err.text, "renewing them failed: "));
    assert_non_null(strstr(err.text, "HTTP 500"));
    assert_no_secret(err.text);
    s->cloud.uri_status = 200;
    s->cloud.life_s = 7200;
    EVENTUALLY(has_some_key(s));
}

static void a_silent_metadata_service_does_not_turn_us_into_somebody_else(void **state)
{
    struct scene *s = *state;
    world_set(s->w, "ALIBABA_CLOUD_ECS_METADATA_DISABLED", NULL);
    start(s);
    assert_true(has_key(s, CLOUD_KEY_ID "1"));
    set_uri(s);
    s->cloud.role_status = 404;
    world_shift_clock(INT64_C(50) * 60 * 1000);
    EVENTUALLY(s->changes > 0);
    struct creds_keys *k = creds_get(s->creds, NULL);
    assert_true(creds_refused(s->creds, k));
    creds_keys_unref(k);
    int changes = s->changes;
    EVENTUALLY(s->changes > changes);
    assert_true(has_key(s, CLOUD_KEY_ID "1"));
    assert_int_equal(s->cloud.uris, 0);
}

static void a_refusal_renews_temporary_keys_soon_and_not_again_at_once(void **state)
{
    struct scene *s = *state;
    set_uri(s);
    start(s);
    struct creds_keys *k = creds_get(s->creds, NULL);
    int64_t before = clock_mono_ms();
    assert_true(creds_refused(s->creds, k));
    EVENTUALLY(has_key(s, CLOUD_KEY_ID "2"));
    assert_in_range(clock_mono_ms() - before, 0, CREDS_REFUSED_GAP_MS);
    struct creds_keys *renewed = creds_get(s->creds, NULL);
    assert_true(creds_refused(s->creds, renewed));
    /* A word about the old ones is answered at once; when the second answer is there, the turn of
     * the first is over, and it knew of the refusal. */
    for (int i = 0; i < 2; i++) {
        int changes = s->changes;
        assert_true(creds_refused(s->creds, k));
        EVENTUALLY(s->changes > changes);
    }
    assert_int_equal(s->cloud.uris, 2);
    creds_keys_unref(renewed);
    creds_keys_unref(k);
}

static void refused_keys_of_a_file_stay_the_same_object_when_the_file_has_no_others(void **state)
{
    struct scene *s = *state;
    write_ak(s, "one");
    start(s);
    struct creds_keys *k = creds_get(s->creds, NULL);
    assert_true(creds_refused(s->creds, k));
    EVENTUALLY(s->changes > 0);
    struct creds_keys *again = creds_get(s->creds, NULL);
    assert_ptr_equal(again, k);
    creds_keys_unref(k);
    creds_keys_unref(again);
}

static void a_refusal_of_keys_from_the_environment_promises_nothing(void **state)
{
    struct scene *s = *state;
    world_set(s->w, "ALIBABA_CLOUD_ACCESS_KEY_ID", "env");
    world_set(s->w, "ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET_MARK);
    start(s);
    struct creds_keys *k = creds_get(s->creds, NULL);
    assert_false(creds_refused(s->creds, k));
    creds_keys_unref(k);
}

static void without_the_thread_a_refusal_promises_nothing(void **state)
{
    struct scene *s = *state;
    write_ak(s, "one");
    s->creds = creds_new(world_env(s->w), NULL);
    assert_int_equal(creds_load(s->creds, 1000, NULL), 0);
    struct creds_keys *k = creds_get(s->creds, NULL);
    assert_false(creds_refused(s->creds, k));
    creds_keys_unref(k);
}

static void freeing_does_not_wait_for_a_silent_service(void **state)
{
    struct scene *s = *state;
    set_uri(s);
    start(s);
    s->cloud.hang = true;
    unsigned asked = httpd_requests(s->cloud.server);
    struct creds_keys *k = creds_get(s->creds, NULL);
    assert_true(creds_refused(s->creds, k));
    creds_keys_unref(k);
    EVENTUALLY(httpd_requests(s->cloud.server) > asked);
    int64_t before = clock_mono_ms();
    creds_free(s->creds);
    s->creds = NULL;
    assert_in_range(clock_mono_ms() - before, 0, 2000);
}

static void *read_keys(void *arg)
{
    struct scene *s = arg;
    for (int i = 0; i < 2000; i++) {
        struct creds_keys *k = creds_get(s->creds, NULL);
        assert_non_null(k);
        assert_int_equal(k->key_id[0], 'k');
        if (i % 500 == 0)
            creds_refused(s->creds, k);
        creds_keys_unref(k);
    }
    return NULL;
}

static void readers_see_whole_keys_while_they_change(void **state)
{
    struct scene *s = *state;
    pthread_t readers[4];
    write_ak(s, "k0");
    start(s);
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        assert_int_equal(thread_start(&readers[i], "reader", read_keys, s, NULL), 0);
    for (int i = 1; i < 20; i++) {
        char id[8];
        snprintf(id, sizeof id, "k%d", i);
        write_ak(s, id);
    }
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        thread_join(readers[i]);
    EVENTUALLY(has_key(s, "k19"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_changed_file_brings_its_new_keys),
        TEST(old_keys_stay_while_a_file_is_broken),
        TEST(a_file_that_vanishes_makes_us_walk_the_whole_chain),
        TEST(a_file_that_takes_precedence_is_noticed_when_it_appears),
        TEST(a_file_that_comes_later_in_the_chain_changes_nothing),
        TEST(keys_that_come_late_are_found_without_a_restart),
        TEST(temporary_keys_are_renewed_before_they_end),
        TEST(old_keys_last_to_their_end_while_renewing_fails),
        TEST(a_silent_metadata_service_does_not_turn_us_into_somebody_else),
        TEST(a_refusal_renews_temporary_keys_soon_and_not_again_at_once),
        TEST(refused_keys_of_a_file_stay_the_same_object_when_the_file_has_no_others),
        TEST(a_refusal_of_keys_from_the_environment_promises_nothing),
        TEST(without_the_thread_a_refusal_promises_nothing),
        TEST(freeing_does_not_wait_for_a_silent_service),
        TEST(readers_see_whole_keys_while_they_change),
    };
    if (http_global_init(NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
