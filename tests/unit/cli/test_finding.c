/* Doctor's words: what each fact comes to. */
#include "cli/finding.h"
#include "cli/probe.h"
#include "support/alloc_fail.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct probe answer(int status, const char *code)
{
    struct probe p = {.status = status, .class = api_classify(status, code, false)};
    snprintf(p.code, sizeof p.code, "%s", code);
    err_set(&p.error, "GetMediaProducingJob: %d %s", status, code);
    return p;
}

static void assert_line(struct finding f, const char *line)
{
    struct buf out = BUF_INIT(4096);
    assert_int_equal(finding_print(&f, &out), 0);
    assert_string_equal(buf_str(&out), line);
    buf_free(&out);
}

static void assert_grade(struct finding f, enum finding_grade grade, const char *words)
{
    assert_int_equal(f.grade, grade);
    if (!strstr(f.what, words) && !strstr(f.fix, words))
        fail_msg("\"%s - %s\" should hold \"%s\"", f.what, f.fix, words);
    assert_true(grade == FINDING_OK || *f.fix);
}

static void a_finding_is_one_line_with_what_to_do(void **state)
{
    (void)state;
    assert_line((struct finding){FINDING_OK, "all is well", ""}, "ok    all is well\n");
    assert_line((struct finding){FINDING_WARN, "it is late", "sleep"},
                "warn  it is late - sleep\n");
    assert_line((struct finding){FINDING_FAIL, "no", "yes"}, "FAIL  no - yes\n");
}

static void the_device_is_there_or_its_fix_is_told(void **state)
{
    (void)state;
    assert_grade(finding_device(0), FINDING_OK, "/dev/fuse");
    assert_grade(finding_device(ENOENT), FINDING_FAIL, "modprobe fuse");
    assert_grade(finding_device(ENODEV), FINDING_FAIL, "modprobe fuse");
    assert_grade(finding_device(EACCES), FINDING_FAIL, "chmod");
    assert_grade(finding_device(EPERM), FINDING_FAIL, "container");
    assert_grade(finding_device(EMFILE), FINDING_FAIL, "Too many open files");
}

static void the_helper_is_needed_by_ordinary_users(void **state)
{
    (void)state;
    assert_grade(finding_helper(false, true), FINDING_OK, "fusermount3");
    assert_grade(finding_helper(false, false), FINDING_FAIL, "fuse3");
    assert_grade(finding_helper(true, false), FINDING_WARN, "fuse3");
}

static void allow_other_needs_a_line_in_fuse_conf(void **state)
{
    (void)state;
    assert_grade(finding_others(false, false, false), FINDING_OK, "only the user");
    assert_grade(finding_others(true, true, false), FINDING_OK, "allow_other");
    assert_grade(finding_others(false, true, true), FINDING_OK, "allow_other");
    assert_grade(finding_others(false, true, false), FINDING_FAIL, "/etc/fuse.conf");
}

static void fuse_conf_is_read_line_by_line(void **state)
{
    (void)state;
    assert_true(finding_conf_allows("user_allow_other"));
    assert_true(finding_conf_allows("# note\nmount_max = 9\n  user_allow_other \r\n"));
    assert_false(finding_conf_allows(""));
    assert_false(finding_conf_allows("#user_allow_other\n"));
    assert_false(finding_conf_allows("user_allow_others\n"));
    assert_false(finding_conf_allows("x user_allow_other\n\n"));
}

static void of_a_key_id_only_four_characters_are_shown(void **state)
{
    (void)state;
    struct finding f = finding_keys("LTAI5tSecretPart", "environment");
    assert_grade(f, FINDING_OK, "LTAI****");
    assert_grade(f, FINDING_OK, "environment");
    assert_null(strstr(f.what, "LTAI5"));
}

static void any_answer_of_the_service_shows_that_it_is_reachable(void **state)
{
    (void)state;
    struct probe p = answer(404, "JobNotFound");
    assert_grade(finding_endpoint("https://x", &p), FINDING_OK, "TLS verified");
    assert_grade(finding_endpoint("http://x", &p), FINDING_OK, "plain http");
    p = answer(404, "");
    assert_grade(finding_endpoint("https://x", &p), FINDING_FAIL, "not the ICE service");
    p = (struct probe){.class = API_TEMPORARY, .net = API_NET_UNREACHABLE};
    err_set(&p.error, "cannot connect");
    assert_grade(finding_endpoint("https://x", &p), FINDING_FAIL, "cannot connect");
    p.net = API_NET_TLS;
    assert_grade(finding_endpoint("https://x", &p), FINDING_FAIL, "-o ca=FILE");
}

static void the_fix_is_told_once(void **state)
{
    (void)state;
    struct probe p = answer(400, "SignatureDoesNotMatch");
    struct finding f = finding_get(&p);
    assert_grade(f, FINDING_FAIL, "secret");
    assert_null(strstr(f.what, f.fix));
}

static void the_clock_fails_where_the_service_refuses(void **state)
{
    (void)state;
    assert_grade(finding_clock(0), FINDING_OK, "agrees");
    assert_grade(finding_clock(-59), FINDING_OK, "agrees");
    assert_grade(finding_clock(61), FINDING_WARN, "61 s slow");
    assert_grade(finding_clock(-1000), FINDING_FAIL, "1000 s fast");
}

static void not_found_shows_that_reading_is_allowed(void **state)
{
    (void)state;
    struct probe p = answer(404, "JobNotFound");
    assert_grade(finding_get(&p), FINDING_OK, "allowed");
    p = answer(403, "Forbidden.RAM");
    assert_grade(finding_get(&p), FINDING_FAIL, "ice:GetMediaProducingJob");
    p = answer(503, "ServiceUnavailable");
    assert_grade(finding_get(&p), FINDING_FAIL, "at fault");
    p = answer(403, "");
    assert_grade(finding_get(&p), FINDING_FAIL, "HTTP status 403");
}

static void listing_is_wanted_but_not_needed(void **state)
{
    (void)state;
    struct probe p = {.class = API_OK, .status = 200};
    assert_grade(finding_list(&p), FINDING_OK, "allowed");
    p = answer(403, "NoPermission");
    assert_grade(finding_list(&p), FINDING_WARN, "ice:ListMediaProducingJobs");
    p = answer(400, "Throttling");
    assert_grade(finding_list(&p), FINDING_WARN, "qps");
    p = answer(400, "SignatureDoesNotMatch");
    assert_grade(finding_list(&p), FINDING_FAIL, "secret");
}

static void printing_survives_every_failing_allocation(void **state)
{
    (void)state;
    struct finding f = finding_device(ENOENT);
    for (unsigned n = 1;; n++) {
        struct buf out = BUF_INIT(4096);
        alloc_fail_at(n);
        int rc = finding_print(&f, &out);
        bool fired = alloc_fail_fired();
        buf_free(&out);
        assert_int_equal(rc, fired ? -1 : 0);
        if (!fired)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finding_is_one_line_with_what_to_do),
        cmocka_unit_test(the_device_is_there_or_its_fix_is_told),
        cmocka_unit_test(the_helper_is_needed_by_ordinary_users),
        cmocka_unit_test(allow_other_needs_a_line_in_fuse_conf),
        cmocka_unit_test(fuse_conf_is_read_line_by_line),
        cmocka_unit_test(of_a_key_id_only_four_characters_are_shown),
        cmocka_unit_test(any_answer_of_the_service_shows_that_it_is_reachable),
        cmocka_unit_test(the_fix_is_told_once),
        cmocka_unit_test(the_clock_fails_where_the_service_refuses),
        cmocka_unit_test(not_found_shows_that_reading_is_allowed),
        cmocka_unit_test(listing_is_wanted_but_not_needed),
        cmocka_unit_test(printing_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
