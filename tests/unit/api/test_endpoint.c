/* SOURCE: regions, URLs, and the refusals that keep traffic and passwords private. */
#include "api/endpoint.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const regions[] = {"cn-beijing",  "cn-hangzhou",    "cn-shanghai",
                                      "cn-shenzhen", "ap-southeast-1", "us-west-1"};

static void takes(const char *source, const char *url, const char *region)
{
    struct endpoint e;
    struct err err = {"untouched"};
    if (endpoint_resolve(source, false, false, &e, &err) != 0)
        fail_msg("%s: %s", source, err.text);
    assert_string_equal(e.url, url);
    assert_string_equal(e.region, region);
    assert_string_equal(err.text, "untouched");
}

/* Refused with a message that has `why` in it. */
static void refuses(const char *source, const char *why)
{
    struct endpoint e = {"unchanged", "too"};
    struct err err = {""};
    if (endpoint_resolve(source, false, false, &e, &err) != -1)
        fail_msg("%s was taken", source);
    if (!strstr(err.text, why))
        fail_msg("%s: \"%s\" lacks \"%s\"", source, err.text, why);
    assert_string_equal(e.url, "unchanged");
    assert_string_equal(e.region, "too");
    assert_int_equal(endpoint_resolve(source, false, false, &e, NULL), -1);
}

static void each_region_has_its_public_and_its_vpc_host(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(regions); i++) {
        struct endpoint e;
        char url[ENDPOINT_MAX];
        snprintf(url, sizeof url, "https://ice.%s.aliyuncs.com", regions[i]);
        takes(regions[i], url, regions[i]);
        takes(url, url, regions[i]);
        snprintf(url, sizeof url, "https://ice-vpc.%s.aliyuncs.com", regions[i]);
        assert_int_equal(endpoint_resolve(regions[i], true, false, &e, NULL), 0);
        assert_string_equal(e.url, url);
        assert_string_equal(e.region, regions[i]);
        takes(url, url, regions[i]);
    }
}

static void a_mistyped_region_is_answered_with_the_nearest(void **state)
{
    (void)state;
    refuses("cn-shanghia", "unknown region \"cn-shanghia\": did you mean cn-shanghai?");
    refuses("cn_shenzen", "did you mean cn-shenzhen?");
    refuses("CN-Beijing", "did you mean cn-beijing?");
    refuses("ap-southeast1", "did you mean ap-southeast-1?");
    refuses("us-west1", "did you mean us-west-1?");
}

static void a_far_name_is_answered_with_the_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(regions); i++)
        refuses("eu-central-1", regions[i]);
    refuses("", "the service is in cn-beijing");
    refuses("somewhere", "https://HOST[:PORT]");
}

static void a_bare_host_is_told_to_be_a_url(void **state)
{
    (void)state;
    refuses("ice.cn-shanghai.aliyuncs.com", "https://HOST[:PORT]");
    refuses("localhost:8080", "https://HOST[:PORT]");
}

static void urls_are_normalised(void **state)
{
    (void)state;
    takes("https://ice.example.com", "https://ice.example.com", "");
    takes("https://ice.example.com/", "https://ice.example.com", "");
    takes("HTTPS://Ice.EXAMPLE.com:8443/", "https://ice.example.com:8443", "");
    takes("https://ICE.cn-Shanghai.aliyuncs.com", "https://ice.cn-shanghai.aliyuncs.com",
          "cn-shanghai");
    takes("https://h:443", "https://h", "");
    takes("https://h:80", "https://h:80", "");
    takes("http://localhost:80", "http://localhost", "");
    takes("http://localhost:443", "http://localhost:443", "");
    takes("https://h:0065535", "https://h:65535", "");
    takes("https://my_sim.net-1:1", "https://my_sim.net-1:1", "");
    takes("https://10.1.2.3:99", "https://10.1.2.3:99", "");
    takes("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443", "");
}

static void only_the_services_own_hosts_give_a_region(void **state)
{
    (void)state;
    takes("https://ice.cn-shanghai.aliyuncs.com:8443", "https://ice.cn-shanghai.aliyuncs.com:8443",
          "cn-shanghai");
    takes("https://ice.cn-shanghai.example.com", "https://ice.cn-shanghai.example.com", "");
    takes("https://ice.cn-nowhere.aliyuncs.com", "https://ice.cn-nowhere.aliyuncs.com", "");
    takes("https://oss.cn-shanghai.aliyuncs.com", "https://oss.cn-shanghai.aliyuncs.com", "");
    takes("https://ice.aliyuncs.com", "https://ice.aliyuncs.com", "");
    takes("https://ice.cn-shanghai.aliyuncs.com.example.com",
          "https://ice.cn-shanghai.aliyuncs.com.example.com", "");
}

static void plain_http_is_for_loopback(void **state)
{
    (void)state;
    takes("http://127.0.0.1:8080", "http://127.0.0.1:8080", "");
    takes("http://127.255.255.254", "http://127.255.255.254", "");
    takes("http://[::1]:8080", "http://[::1]:8080", "");
    takes("http://[0:0:0:0:0:0:0:1]", "http://[0:0:0:0:0:0:0:1]", "");
    takes("HTTP://LOCALHOST:1", "http://localhost:1", "");
    static const char *const others[] = {"http://ice.cn-shanghai.aliyuncs.com",
                                         "http://10.0.0.1",
                                         "http://128.0.0.1",
                                         "http://[::2]",
                                         "http://[::ffff:127.0.0.1]",
                                         "http://localhost.example.com",
                                         "http://127.0.0.1.example.com",
                                         "http://localhost-"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        refuses(others[i], "-o insecure_http");
}

static void insecure_http_lifts_that_refusal_alone(void **state)
{
    (void)state;
    struct endpoint e;
    assert_int_equal(endpoint_resolve("http://10.0.0.1:80", false, true, &e, NULL), 0);
    assert_string_equal(e.url, "http://10.0.0.1");
    assert_int_equal(endpoint_resolve("http://10.0.0.1/x", false, true, &e, NULL), -1);
}

static void urls_hold_no_more_than_host_and_port(void **state)
{
    (void)state;
    refuses("https://h/path", "no path");
    refuses("https://h//", "no path");
    refuses("https://h?x=1", "query");
    refuses("https://h/?x=1", "query");
    refuses("https://h#f", "fragment");
    refuses("https://h/#", "fragment");
}

static void other_schemes_are_refused(void **state)
{
    (void)state;
    refuses("ftp://h", "must begin with https://");
    refuses("file:///etc/passwd", "must begin with https://");
    refuses("://h", "must begin with https://");
    refuses(" https://h", "must begin with https://");
}

static void passwords_are_refused_and_never_quoted(void **state)
{
    (void)state;
    static const char *const sources[] = {"https://user:hunter2@h",   "http://hunter2@127.0.0.1",
                                          "user:hunter2@h",           "ftp://user:hunter2@h",
                                          "https://h/?token=hunter2", "https://h#hunter2"};
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        struct endpoint e;
        struct err err = {""};
        assert_int_equal(endpoint_resolve(sources[i], false, true, &e, &err), -1);
        assert_true(err.text[0] != '\0');
        assert_null(strstr(err.text, "hunter2"));
    }
}

static void what_is_no_host_is_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = {"",
                                        "/",
                                        ":80",
                                        ".",
                                        "a..b",
                                        ".a",
                                        "a.",
                                        "a b",
                                        "a%20b",
                                        "a\\b",
                                        "a\nb",
                                        "\xe4\xb8\xad",
                                        "*",
                                        "::1",
                                        "::1:8080",
                                        "[::1",
                                        "[]",
                                        "[::1]x",
                                        "[:::1]",
                                        "[fe80::1%25eth0]",
                                        "[127.0.0.1]",
                                        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]",
                                        "127.1",
                                        "0x7f.1",
                                        "2130706433",
                                        "127.0.0.01",
                                        "1.2.3.256",
                                        "1.2.3.4.5"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        char source[128];
        snprintf(source, sizeof source, "https://%s", hosts[i]);
        refuses(source, "is no host");
    }
}

static void what_is_no_port_is_refused(void **state)
{
    (void)state;
    static const char *const ports[] = {"",   "0",   "65536", "-1",  "+80",      " 80",
                                        "8o", "80:", "0x50",  "80 ", "00000080", "99999999999"};
    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        char source[64];
        snprintf(source, sizeof source, "https://[::1]:%s", ports[i]);
        refuses(source, "is no port: 1 to 65535");
    }
}

static void long_sources_are_safe(void **state)
{
    (void)state;
    char source[8192], label[65];
    struct endpoint e;
    memset(label, 'a', 64);
    label[64] = '\0';
    snprintf(source, sizeof source, "https://%s.b", label);
    refuses(source, "is no host"); /* 64 characters between dots; DNS has 63 */
    snprintf(source, sizeof source, "https://%s.b", label + 1);
    assert_int_equal(endpoint_resolve(source, false, false, &e, NULL), 0);

    memcpy(source, "https://", 8);
    for (size_t i = 8; i < 8 + 253; i++)
        source[i] = i % 2 ? '.' : 'a';
    source[8 + 253] = '\0';
    assert_int_equal(endpoint_resolve(source, false, false, &e, NULL), 0);
    source[8 + 253] = '.';
    source[8 + 254] = 'a';
    source[8 + 255] = '\0';
    refuses(source, "is no host");

    memset(source, 'x', sizeof source);
    source[sizeof source - 1] = '\0';
    refuses(source, "unknown region");
    memcpy(source, "https://", 8);
    refuses(source, "is no host");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_region_has_its_public_and_its_vpc_host),
        cmocka_unit_test(a_mistyped_region_is_answered_with_the_nearest),
        cmocka_unit_test(a_far_name_is_answered_with_the_list),
        cmocka_unit_test(a_bare_host_is_told_to_be_a_url),
        cmocka_unit_test(urls_are_normalised),
        cmocka_unit_test(only_the_services_own_hosts_give_a_region),
        cmocka_unit_test(plain_http_is_for_loopback),
        cmocka_unit_test(insecure_http_lifts_that_refusal_alone),
        cmocka_unit_test(urls_hold_no_more_than_host_and_port),
        cmocka_unit_test(other_schemes_are_refused),
        cmocka_unit_test(passwords_are_refused_and_never_quoted),
        cmocka_unit_test(what_is_no_host_is_refused),
        cmocka_unit_test(what_is_no_port_is_refused),
        cmocka_unit_test(long_sources_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
