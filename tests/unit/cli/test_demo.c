/* The simulator as a child: keys by the environment, an end with us, nothing left behind. */
#include "base/clock.h"
#include "cli/demo.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char program[128];

/* A stand-in for icejobfs-sim. Its descriptor 3 says that it is ready. */
static void write_program(const char *body)
{
    FILE *f = fopen(program, "we");
    assert_non_null(f);
    assert_true(fprintf(f, "#!/bin/sh\n%s\n", body) > 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(program, 0700), 0);
}

static int set_up(void **state)
{
    (void)state;
    static char dir[] = "/tmp/icejobfs-test-XXXXXX";
    if (!mkdtemp(dir))
        return -1;
    snprintf(program, sizeof program, "%s/stand-in", dir);
    return setenv("XDG_RUNTIME_DIR", dir, 1);
}

static int tear_down(void **state)
{
    (void)state;
    remove(program);
    *strrchr(program, '/') = '\0';
    return remove(program); /* fails if anything is left */
}

static void read_back(const char *dir, const char *name, char *out, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t got = fread(out, 1, n - 1, f);
    out[got] = '\0';
    fclose(f);
    assert_int_equal(remove(path), 0);
}

static void it_gets_its_keys_by_the_environment_and_not_as_arguments(void **state)
{
    (void)state;
    struct demo d;
    struct err err = {""};
    char text[512];
    write_program("dir=${2#unix:}; dir=${dir%/sock}; echo \"$*\" > $dir/args\n"
                  "echo $ALIBABA_CLOUD_ACCESS_KEY_ID $ALIBABA_CLOUD_ACCESS_KEY_SECRET > $dir/env\n"
                  "echo >&3; exec sleep 60");
    if (demo_start(&d, program, &err) < 0)
        fail_msg("%s", err.text);
    const char *id = demo_getenv(&d, "ALIBABA_CLOUD_ACCESS_KEY_ID");
    const char *secret = demo_getenv(&d, "ALIBABA_CLOUD_ACCESS_KEY_SECRET");
    assert_null(demo_getenv(&d, "ALIBABA_CLOUD_SECURITY_TOKEN"));
    assert_int_equal(strncmp(id, "LTAI", 4), 0);
    assert_int_equal(strlen(secret), 32);
    read_back(d.dir, "args", text, sizeof text);
    assert_null(strstr(text, secret));
    assert_non_null(strstr(text, "--jobs 24 --speed 10 --ready-fd 3"));
    assert_non_null(strstr(text, d.socket));
    read_back(d.dir, "env", text, sizeof text);
    assert_non_null(strstr(text, id));
    assert_non_null(strstr(text, secret));
    struct stat st;
    assert_int_equal(stat(d.dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    demo_stop(&d);
}

static void stopping_ends_it_and_leaves_nothing(void **state)
{
    (void)state;
    struct demo d;
    struct err err = {""};
    write_program(": > ${2#unix:}; echo >&3; exec sleep 60");
    assert_int_equal(demo_start(&d, program, &err), 0);
    pid_t pid = d.pid;
    char dir[sizeof d.dir];
    memcpy(dir, d.dir, sizeof dir);
    demo_stop(&d);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(access(dir, F_OK), -1);
    assert_int_equal(d.key_secret[0], 0);
    demo_stop(&d); /* of nothing */
}

static void one_that_does_not_start_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    struct demo d;
    struct err err = {""};
    write_program("exit 1");
    assert_int_equal(demo_start(&d, program, &err), -1);
    assert_non_null(strstr(err.text, "did not start"));
    assert_int_equal(demo_start(&d, "/no/such/program", &err), -1);
    assert_non_null(strstr(err.text, "icejobfs-sim"));
    assert_int_equal(d.pid, 0);
}

static void one_that_will_not_end_is_killed(void **state)
{
    (void)state;
    struct demo d;
    struct err err = {""};
    write_program("trap '' TERM; echo >&3; exec 3>&-; while :; do sleep 60; done");
    assert_int_equal(demo_start(&d, program, &err), 0);
    pid_t pid = d.pid;
    int64_t begin = clock_mono_ms();
    demo_stop(&d);
    assert_int_equal(kill(pid, 0), -1);
    assert_in_range(clock_mono_ms() - begin, 500, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gets_its_keys_by_the_environment_and_not_as_arguments),
        cmocka_unit_test(stopping_ends_it_and_leaves_nothing),
        cmocka_unit_test(one_that_does_not_start_is_an_error_and_leaves_nothing),
        cmocka_unit_test(one_that_will_not_end_is_killed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
