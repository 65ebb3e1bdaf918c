/* Secrets and the small things of the floor that hold them: wiping, randomness, descriptors. */
#include "base/attr.h"
#include "base/random.h"
#include "base/secret.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

static void wiping_leaves_nothing(void **state)
{
    (void)state;
    char text[] = "hunter2", zero[sizeof text] = {0};
    secret_wipe(text, sizeof text);
    assert_memory_equal(text, zero, sizeof zero);
}

static void freeing_takes_null_and_empties_the_pointer(void **state)
{
    (void)state;
    char *text = strdup("hunter2");
    assert_non_null(text);
    secret_cleanup(&text);
    assert_null(text);
    secret_cleanup(&text);
    secret_free(NULL);
    secret_free(strdup(""));
}

/* In a child: a hardened process dumps no core and cannot be traced, which a debugger of this one
 * would mind. */
static void a_hardened_process_dumps_no_core(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit limit = {1, 1};
        secret_harden_process();
        _exit(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0 &&
                      prctl(PR_GET_DUMPABLE) == 0
                  ? 0
                  : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void random_numbers_differ_and_fill_every_byte(void **state)
{
    (void)state;
    unsigned char seen[64] = {0};
    assert_true(random_u64() != random_u64());
    for (int round = 0; round < 64; round++) {
        unsigned char bytes[64] = {0};
        random_bytes(bytes, sizeof bytes);
        for (size_t i = 0; i < sizeof bytes; i++)
            seen[i] |= bytes[i];
    }
    for (size_t i = 0; i < sizeof seen; i++)
        assert_int_not_equal(seen[i], 0);
}

static void nonces_are_32_hex_digits_and_never_the_same(void **state)
{
    (void)state;
    char a[33], b[33];
    random_hex32(a);
    random_hex32(b);
    assert_int_equal(strlen(a), 32);
    assert_int_equal(strspn(a, "0123456789abcdef"), 32);
    assert_string_not_equal(a, b);
}

static void a_descriptor_is_closed_with_its_scope_and_errno_kept(void **state)
{
    (void)state;
    int copy;
    {
        CLEANUP_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        CLEANUP_FD ICE_UNUSED int none = -1;
        assert_true(fd >= 0);
        copy = fd;
        errno = EXDEV;
    }
    assert_int_equal(errno, EXDEV);
    assert_int_equal(fcntl(copy, F_GETFD), -1);
    int given = open("/dev/null", O_RDONLY | O_CLOEXEC);
    {
        CLEANUP_FD int fd = given;
        given = MOVE_FD(fd);
    }
    assert_true(fcntl(given, F_GETFD) >= 0);
    close(given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wiping_leaves_nothing),
        cmocka_unit_test(freeing_takes_null_and_empties_the_pointer),
        cmocka_unit_test(a_hardened_process_dumps_no_core),
        cmocka_unit_test(random_numbers_differ_and_fill_every_byte),
        cmocka_unit_test(nonces_are_32_hex_digits_and_never_the_same),
        cmocka_unit_test(a_descriptor_is_closed_with_its_scope_and_errno_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
