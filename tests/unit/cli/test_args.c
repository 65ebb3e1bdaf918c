/* The command line and the configuration file. */
#include "cli/args.h"
#include "cli/config.h"
#include "support/alloc_fail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const struct options_env env = {.uid = 1000, .gid = 100, .cwd = "/work/dir"};

#define WORDS_MAX 16

/* Parse words that blanks separate; the error's text or NULL. */
static const char *parse(struct options *o, const char *line)
{
    static struct err err;
    static char text[512];
    char *argv[WORDS_MAX + 1] = {NULL};
    int argc = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *save = NULL, *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    return args_parse(argc, argv, &env, o, &err) < 0 ? err.text : NULL;
}

static void assert_refused(const char *line, const char *word)
{
    struct options o;
    const char *text = parse(&o, line);
    if (!text || !strstr(text, word))
        fail_msg("%s: \"%s\" should hold \"%s\"", line, text ? text : "accepted", word);
    options_free(&o);
}

static void options_may_stand_before_between_and_behind_the_words(void **state)
{
    (void)state;
    static const char *const lines[] = {"icejobfs -f -o ttl=3,qps=4 cn-shanghai /mnt",
                                        "icejobfs cn-shanghai -ottl=3 /mnt -f -oqps=4",
                                        "icejobfs cn-shanghai /mnt -o ttl=3 -o qps=4 -f",
                                        "icejobfs -fo ttl=3,qps=4 -- cn-shanghai /mnt"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct options o;
        assert_null(parse(&o, lines[i]));
        assert_int_equal(o.command, OPTIONS_MOUNT);
        assert_string_equal(o.source, "cn-shanghai");
        assert_string_equal(o.mountpoint, "/mnt");
        assert_true(o.foreground);
        assert_int_equal(o.debug, 0);
        assert_int_equal(o.ttl_ms, 3000);
        assert_int_equal(o.qps, 4);
        options_free(&o);
    }
}

static void behind_two_dashes_everything_is_a_word(void **state)
{
    (void)state;
    struct options o;
    assert_null(parse(&o, "icejobfs -d -d -- cn-shanghai -f"));
    assert_string_equal(o.mountpoint, "-f");
    assert_false(o.foreground);
    assert_int_equal(o.debug, 2);
    options_free(&o);
}

static void doctor_takes_one_source(void **state)
{
    (void)state;
    struct options o;
    assert_null(parse(&o, "icejobfs doctor -o profile=x cn-beijing"));
    assert_int_equal(o.command, OPTIONS_DOCTOR);
    assert_string_equal(o.source, "cn-beijing");
    assert_null(o.mountpoint);
    assert_string_equal(o.profile, "x");
    options_free(&o);
    assert_refused("icejobfs doctor", "one SOURCE");
    assert_refused("icejobfs doctor a b", "one SOURCE");
}

static void help_and_version_need_nothing_else_to_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum options_command command;
    } rows[] = {{"icejobfs -h", OPTIONS_HELP},
                {"icejobfs --help -o nonsense", OPTIONS_HELP},
                {"icejobfs a b c --help", OPTIONS_HELP},
                {"icejobfs -V", OPTIONS_VERSION},
                {"icejobfs --version", OPTIONS_VERSION}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct options o;
        assert_null(parse(&o, rows[i].line));
        assert_int_equal(o.command, rows[i].command);
        options_free(&o);
    }
}

static void misuse_is_named(void **state)
{
    (void)state;
    assert_refused("icejobfs", "SOURCE and MOUNTPOINT are missing");
    assert_refused("icejobfs cn-shanghai", "MOUNTPOINT is missing");
    assert_refused("icejobfs a b c", "'c'");
    assert_refused("icejobfs a b c d e", "'c'");
    assert_refused("icejobfs -x a b", "-x");
    assert_refused("icejobfs --nonsense a b", "--nonsense");
    assert_refused("icejobfs a b -o", "-o needs a value");
    assert_refused("icejobfs wait /mnt", "wait");
    assert_refused("icejobfs -n a b", "-n");
    assert_refused("icejobfs a b -o ttl=x", "ttl=x");
}

static void many_lists_are_refused_rather_than_lost(void **state)
{
    (void)state;
    char *argv[200];
    int argc = 0;
    argv[argc++] = (char *)"icejobfs";
    for (int i = 0; i < 65; i++)
        argv[argc++] = (char *)"-ottl=1";
    argv[argc] = NULL;
    struct options o;
    struct err err = {""};
    assert_int_equal(args_parse(argc, argv, &env, &o, &err), -1);
    assert_non_null(strstr(err.text, "too many"));
    options_free(&o);
}

static void mount_calls_its_helper_with_flags_of_its_own(void **state)
{
    (void)state;
    struct options o;
    assert_null(parse(&o, "/sbin/mount.fuse.icejobfs cn-shanghai /mnt -n -v -s -t fuse.icejobfs -o "
                          "rw,whatever,ttl=3"));
    assert_int_equal(o.command, OPTIONS_MOUNT);
    assert_int_equal(o.ttl_ms, 3000);
    options_free(&o);
    assert_null(parse(&o, "mount.fuse.icejobfs cn-shanghai /mnt -f"));
    assert_int_equal(o.command, OPTIONS_FAKE);
    assert_false(o.foreground);
    options_free(&o);
    assert_refused("mount.fuse.icejobfs a b -t", "-t needs a value");
}

/* ---- the configuration file */

static const char *configure(struct options *o, const char *source, const char *list,
                             const char *text)
{
    static struct err err;
    assert_int_equal(options_init(o, &env, &err), 0);
    o->source = strdup(source);
    if (list)
        assert_int_equal(options_set(o, "ttl", list, OPTION_FROM_COMMAND, NULL, &err), 0);
    FILE *f = fmemopen((void *)text, strlen(text), "r");
    assert_non_null(f);
    int rc = config_read(o, f, "the.conf", &err);
    fclose(f);
    return rc < 0 ? err.text : NULL;
}

static void the_section_of_the_source_wins_over_the_top_and_the_command_line_over_both(void **state)
{
    (void)state;
    static const char text[] = "# icejobfs\n"
                               "ttl = 1\n"
                               "[cn-shanghai]\n"
                               "ttl = 2   ; seconds\n"
                               "profile = studio\n"
                               "[default]\n"
                               "ttl = 3\n"
                               "profile = other\n"
                               "qps: 7\n"
                               "allow_other = yes\n"
                               "[cn-beijing]\n"
                               "ttl = 4\n";
    struct options o;
    assert_null(configure(&o, "cn-shanghai", NULL, text));
    assert_int_equal(o.ttl_ms, 2000);
    assert_string_equal(o.profile, "studio");
    assert_int_equal(o.qps, 7);
    assert_true(o.allow_other);
    options_free(&o);

    assert_null(configure(&o, "us-west-1", NULL, text));
    assert_int_equal(o.ttl_ms, 3000);
    assert_string_equal(o.profile, "other");
    options_free(&o);

    assert_null(configure(&o, "cn-shanghai", "9", text));
    assert_int_equal(o.ttl_ms, 9000);
    options_free(&o);
}

static void a_section_can_be_a_url_of_any_length(void **state)
{
    (void)state;
    static const char text[] =
        "\xEF\xBB\xBF[https://[::1]:8443] ; [x]\nttl=1\n"
        "[https://"
        "a-host-with-a-name-that-is-longer-than-fifty-characters.example.com:8443]\nttl=2\n";
    struct options o;
    assert_null(configure(&o, "https://[::1]:8443", NULL, text));
    assert_int_equal(o.ttl_ms, 1000);
    options_free(&o);
    assert_null(configure(
        &o, "https://a-host-with-a-name-that-is-longer-than-fifty-characters.example.com:8443",
        NULL, text));
    assert_int_equal(o.ttl_ms, 2000);
    options_free(&o);
}

static void indented_lines_are_options_too(void **state)
{
    (void)state;
    struct options o;
    assert_null(configure(&o, "x", NULL, "[x]\n  profile = p\n\tttl = 5\n"));
    assert_string_equal(o.profile, "p");
    assert_int_equal(o.ttl_ms, 5000);
    options_free(&o);
}

static void assert_bad_file(const char *text, const char *words)
{
    struct options o;
    const char *said = configure(&o, "x", NULL, text);
    if (!said || !strstr(said, words))
        fail_msg("%s: \"%s\" should hold \"%s\"", text, said ? said : "accepted", words);
    options_free(&o);
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    assert_bad_file("\n\nttl = x\n", "the.conf:3: option ttl=x");
    assert_bad_file("[y]\ntttl = 1\n", "the.conf:2: unknown option 'tttl': did you mean 'ttl'?");
    assert_bad_file("ttl\n", "the.conf:1: is neither");
    assert_bad_file("ttl = 1\n[broken\n", "the.conf:2: is neither");
    assert_bad_file("config = /x\n", "the.conf:1: option config");
    assert_bad_file("ca = relative.pem\n", "absolute");
    char text[400] = "profile = ";
    memset(text + strlen(text), 'p', 300);
    assert_bad_file(text, "the.conf:1: the line is too long");
}

static void a_file_is_missed_only_if_it_was_asked_for(void **state)
{
    (void)state;
    char dir[] = "/tmp/icejobfs-test-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char line[256];
    struct options o;
    struct options_env at = env;
    struct err err = {""};
    at.xdg_config_home = dir;
    char *argv[] = {(char *)"icejobfs", (char *)"a", (char *)"b", NULL};
    assert_int_equal(args_parse(3, argv, &at, &o, &err), 0);
    options_free(&o);

    snprintf(line, sizeof line, "icejobfs a b -o config=%s/none.conf", dir);
    assert_refused(line, "No such file");

    char name[128];
    snprintf(name, sizeof name, "%s/icejobfs.conf", dir);
    FILE *f = fopen(name, "we");
    assert_non_null(f);
    assert_true(fputs("ttl = 6\npatience = 7\ntimeout = 2\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(args_parse(3, argv, &at, &o, &err), 0);
    assert_int_equal(o.ttl_ms, 6000);
    assert_int_equal(o.patience_ms, 2000);
    options_free(&o);
    snprintf(line, sizeof line, "icejobfs a b -o ttl=8,config=%s", name);
    assert_null(parse(&o, line));
    assert_int_equal(o.ttl_ms, 8000);
    options_free(&o);
    snprintf(line, sizeof line, "icejobfs a b -o config=%s", dir);
    assert_refused(line, "directory");
    remove(name);
    remove(dir);
}

static void every_failing_allocation_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    char *argv[] = {(char *)"icejobfs",       (char *)"a", (char *)"b", (char *)"-o",
                    (char *)"profile=x,ca=y", NULL};
    for (unsigned n = 1;; n++) {
        struct options o;
        struct err err = {""};
        alloc_fail_at(n);
        int rc = args_parse(5, argv, &env, &o, &err);
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
        cmocka_unit_test(options_may_stand_before_between_and_behind_the_words),
        cmocka_unit_test(behind_two_dashes_everything_is_a_word),
        cmocka_unit_test(doctor_takes_one_source),
        cmocka_unit_test(help_and_version_need_nothing_else_to_be_right),
        cmocka_unit_test(misuse_is_named),
        cmocka_unit_test(many_lists_are_refused_rather_than_lost),
        cmocka_unit_test(mount_calls_its_helper_with_flags_of_its_own),
        cmocka_unit_test(
            the_section_of_the_source_wins_over_the_top_and_the_command_line_over_both),
        cmocka_unit_test(a_section_can_be_a_url_of_any_length),
        cmocka_unit_test(indented_lines_are_options_too),
        cmocka_unit_test(what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(a_file_is_missed_only_if_it_was_asked_for),
        cmocka_unit_test(every_failing_allocation_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
