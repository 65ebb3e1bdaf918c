/* Options: every kind, its range, its words, and where values come from. */
#include "cli/option_value.h"
#include "cli/options.h"
#include "cli/optlist.h"
#include "support/alloc_fail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct options_env user = {
    .uid = 1000, .gid = 100, .home = "/home/u", .cwd = "/work/dir"};

static struct options defaults(const struct options_env *env)
{
    struct options o;
    struct err err = {""};
    assert_int_equal(options_init(&o, env, &err), 0);
    return o;
}

/* Apply a list to the defaults; the error's text or NULL. */
static const char *apply(struct options *o, const char *list)
{
    static struct err err;
    *o = defaults(&user);
    return optlist_apply(o, list, user.cwd, false, &err) < 0 ? err.text : NULL;
}

static void assert_refused(const char *list, const char *word)
{
    struct options o;
    const char *text = apply(&o, list);
    if (!text || !strstr(text, word))
        fail_msg("-o %s: \"%s\" should hold \"%s\"", list, text ? text : "accepted", word);
    options_free(&o);
}

static void assert_accepted(const char *list)
{
    struct options o;
    const char *text = apply(&o, list);
    if (text)
        fail_msg("-o %s: %s", list, text);
    options_free(&o);
}

static void defaults_are_the_documented_ones(void **state)
{
    (void)state;
    struct options o = defaults(&user);
    assert_null(o.profile);
    assert_int_equal(o.ttl_ms, 10000);
    assert_int_equal(o.patience_ms, 1000);
    assert_int_equal(o.ttl_missing_ms, 30000);
    assert_int_equal(o.refresh_ms, 5000);
    assert_int_equal(o.discover_ms, 86400000);
    assert_int_equal(o.qps, 10);
    assert_int_equal(o.timeout_ms, 10000);
    assert_true(o.keep_ms == OPTIONS_KEEP_FOREVER);
    assert_int_equal(o.cache_size, 64 << 20);
    assert_string_equal(o.state, "/home/u/.local/state/icejobfs");
    assert_string_equal(o.config, "/home/u/.config/icejobfs.conf");
    assert_null(o.ca);
    assert_null(o.proxy);
    assert_int_equal(o.uid, 1000);
    assert_int_equal(o.gid, 100);
    assert_int_equal(o.umask, 0222);
    assert_false(o.vpc || o.allow_other || o.insecure_http);
    options_free(&o);
}

static void places_follow_the_caller(void **state)
{
    (void)state;
    struct options_env env = user;
    env.xdg_config_home = "/x/conf";
    env.xdg_state_home = "relative/counts/for/nothing";
    struct options o = defaults(&env);
    assert_string_equal(o.config, "/x/conf/icejobfs.conf");
    assert_string_equal(o.state, "/home/u/.local/state/icejobfs");
    options_free(&o);

    env.uid = 0;
    o = defaults(&env);
    assert_string_equal(o.config, "/etc/icejobfs.conf");
    assert_string_equal(o.state, "/var/lib/icejobfs");
    options_free(&o);

    o = defaults(&(struct options_env){.uid = 7});
    assert_null(o.config);
    assert_null(o.state);
    options_free(&o);
}

static void every_kind_of_value_is_read(void **state)
{
    (void)state;
    struct options o;
    assert_null(apply(&o, "profile=studio,ttl=500ms,qps=25,cache_size=1G,discover=7d,keep=90d,"
                          "vpc,allow_other=yes,umask=027,uid=12,gid=34,ca=/etc/ca.pem,"
                          "proxy=http://p:3128,state=st,insecure_http=on"));
    assert_string_equal(o.profile, "studio");
    assert_int_equal(o.ttl_ms, 500);
    assert_int_equal(o.qps, 25);
    assert_true(o.cache_size == UINT64_C(1) << 30);
    assert_int_equal(o.discover_ms, INT64_C(7) * 86400000);
    assert_int_equal(o.keep_ms, INT64_C(90) * 86400000);
    assert_true(o.vpc && o.allow_other && o.insecure_http);
    assert_int_equal(o.umask, 027);
    assert_int_equal(o.uid, 12);
    assert_int_equal(o.gid, 34);
    assert_string_equal(o.ca, "/etc/ca.pem");
    assert_string_equal(o.proxy, "http://p:3128");
    assert_string_equal(o.state, "/work/dir/st");
    options_free(&o);
}

static void words_stand_for_values(void **state)
{
    (void)state;
    struct options o;
    assert_null(apply(&o, "discover=off,keep=forever,state=none,config=none,proxy=,vpc=no"));
    assert_int_equal(o.discover_ms, OPTIONS_DISCOVER_OFF);
    assert_true(o.keep_ms == OPTIONS_KEEP_FOREVER);
    assert_null(o.state);
    assert_null(o.config);
    assert_string_equal(o.proxy, "");
    assert_false(o.vpc);
    options_free(&o);
}

static void users_and_groups_have_names(void **state)
{
    (void)state;
    struct options o;
    assert_null(apply(&o, "uid=root,gid=root"));
    assert_int_equal(o.uid, 0);
    assert_int_equal(o.gid, 0);
    options_free(&o);
    assert_refused("uid=no-such-user-here", "no-such-user-here");
    assert_refused("gid=no-such-group-here", "no-such-group-here");
    assert_refused("uid=4294967295", "4294967295");
}

static void ends_of_a_range_belong_to_it(void **state)
{
    (void)state;
    static const char *const good[] = {
        "qps=1",       "qps=100000",    "ttl=0",          "ttl=7d",        "timeout=100ms",
        "timeout=10m", "cache_size=1M", "cache_size=1T",  "umask=0777",    "umask=0",
        "keep=1s",     "keep=36500d",   "uid=4294967294", "discover=365d", "discover=1m"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_accepted(good[i]);
}

static void what_is_out_of_range_is_quoted_with_the_range(void **state)
{
    (void)state;
    assert_refused("qps=0", "qps=0: must be a whole number, 1 to 100000");
    assert_refused("qps=100001", "qps=100001");
    assert_refused("qps=many", "qps=many");
    assert_refused("ttl=8d", "0 to 7d");
    assert_refused("timeout=-1", "timeout=-1: must be a time");
    assert_refused("timeout=99ms", "100ms to 10m");
    assert_refused("discover=never", "1m to 365d, or off");
    assert_refused("keep=500ms", "or forever");
    assert_refused("cache_size=1023K", "1M to 1T");
    assert_refused("cache_size=64MB", "such as 64M");
    assert_refused("umask=999", "umask=999: must be an octal mode, 0000 to 0777");
    assert_refused("vpc=perhaps", "vpc=perhaps: must be yes or no");
}

static void a_value_must_be_there(void **state)
{
    (void)state;
    assert_refused("ttl", "ttl=TIME");
    assert_refused("profile", "profile=NAME");
    assert_refused("ttl=", "ttl=");
    assert_refused("profile=", "1 to 255 characters");
}

static void a_text_is_not_repeated_since_it_may_hold_a_password(void **state)
{
    (void)state;
    char list[1200] = "proxy=http://user:hunter2@";
    memset(list + strlen(list), 'x', 1100);
    struct options o;
    const char *text = apply(&o, list);
    assert_non_null(text);
    assert_non_null(strstr(text, "proxy"));
    assert_null(strstr(text, "hunter2"));
    options_free(&o);
}

static void a_mistyped_name_is_refused_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("tttl=5", "unknown option 'tttl': did you mean 'ttl'?");
    assert_refused("alow_other", "did you mean 'allow_other'?");
    assert_refused("pacience=1", "did you mean 'patience'?");
    assert_refused("zzzzzzzzzz", "unknown option 'zzzzzzzzzz'");
}

static void commas_and_backslashes_can_be_escaped(void **state)
{
    (void)state;
    struct options o;
    assert_null(apply(&o, ",profile=a\\,b\\\\c\\d,,ttl=3,"));
    assert_string_equal(o.profile, "a,b\\c\\d");
    assert_int_equal(o.ttl_ms, 3000);
    options_free(&o);
}

static void the_last_of_equal_options_counts(void **state)
{
    (void)state;
    struct options o;
    assert_null(apply(&o, "ttl=1,profile=a,ttl=2,profile=b,vpc,vpc=no"));
    assert_int_equal(o.ttl_ms, 2000);
    assert_string_equal(o.profile, "b");
    assert_false(o.vpc);
    options_free(&o);
}

static void mounts_own_options_are_ignored(void **state)
{
    (void)state;
    assert_accepted("_netdev,nofail,auto,noauto,user,users,user=joe,x-systemd.automount,"
                    "x-systemd.device-timeout=30,comment=backup,rw,ro,dev,nodev,suid,nosuid,exec,"
                    "noexec,async,atime,noatime,relatime,defaults,nonempty,default_permissions");
    assert_false(optlist_ignored("remount"));
    assert_false(optlist_ignored("ttl"));
}

static void sloppy_lets_unknown_options_pass_but_no_wrong_values(void **state)
{
    (void)state;
    struct options o = defaults(&user);
    struct err err = {""};
    assert_int_equal(optlist_apply(&o, "whatever=1,ttl=4", user.cwd, true, &err), 0);
    assert_int_equal(o.ttl_ms, 4000);
    assert_int_equal(optlist_apply(&o, "ttl=x", user.cwd, true, &err), -1);
    options_free(&o);
}

static void a_lower_place_does_not_win_but_is_still_checked(void **state)
{
    (void)state;
    struct options o = defaults(&user);
    struct err err = {""};
    assert_int_equal(options_set(&o, "ttl", "1", OPTION_FROM_COMMAND, NULL, &err), 0);
    assert_int_equal(options_set(&o, "ttl", "2", OPTION_FROM_FILE_SOURCE, NULL, &err), 0);
    assert_int_equal(options_set(&o, "profile", "a", OPTION_FROM_FILE_SOURCE, NULL, &err), 0);
    assert_int_equal(options_set(&o, "profile", "b", OPTION_FROM_FILE, NULL, &err), 0);
    assert_int_equal(options_set(&o, "ttl", "x", OPTION_FROM_FILE, NULL, &err), -1);
    assert_int_equal(o.ttl_ms, 1000);
    assert_string_equal(o.profile, "a");
    options_free(&o);
}

static void file_names_without_a_place_to_be_relative_to_are_refused(void **state)
{
    (void)state;
    struct options o = defaults(&user);
    struct err err = {""};
    assert_int_equal(options_set(&o, "ca", "ca.pem", OPTION_FROM_FILE, NULL, &err), -1);
    assert_non_null(strstr(err.text, "absolute"));
    assert_int_equal(options_set(&o, "ca", "/ca.pem", OPTION_FROM_FILE, NULL, &err), 0);
    options_free(&o);
}

static void patience_is_never_longer_than_timeout(void **state)
{
    (void)state;
    struct options o;
    assert_null(apply(&o, "timeout=500ms"));
    options_settle(&o);
    assert_int_equal(o.patience_ms, 500);
    options_free(&o);
}

static void the_table_is_fit_for_use(void **state)
{
    (void)state;
    size_t n;
    const struct option_row *rows = options_table(&n);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(options_find(rows[i].name), &rows[i]);
        assert_false(optlist_ignored(rows[i].name));
        assert_true(rows[i].kind == OPTION_FLAG || rows[i].arg);
        assert_true(rows[i].kind == OPTION_FLAG || rows[i].def || rows[i].def_words);
        assert_true(rows[i].min <= rows[i].max);
    }
}

static void every_failing_allocation_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    struct err err = {""};
    for (unsigned n = 1;; n++) {
        struct options o;
        alloc_fail_at(n);
        int rc = options_init(&o, &user, &err);
        if (rc == 0)
            rc = optlist_apply(&o, "profile=a,ca=x,state=/y", user.cwd, false, &err);
        bool fired = alloc_fail_fired();
        options_free(&o);
        assert_int_equal(rc, fired ? -1 : 0);
        if (!fired)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_documented_ones),
        cmocka_unit_test(places_follow_the_caller),
        cmocka_unit_test(every_kind_of_value_is_read),
        cmocka_unit_test(words_stand_for_values),
        cmocka_unit_test(users_and_groups_have_names),
        cmocka_unit_test(ends_of_a_range_belong_to_it),
        cmocka_unit_test(what_is_out_of_range_is_quoted_with_the_range),
        cmocka_unit_test(a_value_must_be_there),
        cmocka_unit_test(a_text_is_not_repeated_since_it_may_hold_a_password),
        cmocka_unit_test(a_mistyped_name_is_refused_with_the_nearest),
        cmocka_unit_test(commas_and_backslashes_can_be_escaped),
        cmocka_unit_test(the_last_of_equal_options_counts),
        cmocka_unit_test(mounts_own_options_are_ignored),
        cmocka_unit_test(sloppy_lets_unknown_options_pass_but_no_wrong_values),
        cmocka_unit_test(a_lower_place_does_not_win_but_is_still_checked),
        cmocka_unit_test(file_names_without_a_place_to_be_relative_to_are_refused),
        cmocka_unit_test(patience_is_never_longer_than_timeout),
        cmocka_unit_test(the_table_is_fit_for_use),
        cmocka_unit_test(every_failing_allocation_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
