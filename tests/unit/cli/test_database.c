/* Where the database is. */
#include "cli/database.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define URL "https://ice.cn-shanghai.aliyuncs.com"

static void each_account_and_endpoint_has_its_own_database_always_the_same(void **state)
{
    (void)state;
    char *a = database_path("/var/lib/icejobfs", "LTAI-1", URL);
    char *again = database_path("/var/lib/icejobfs", "LTAI-1", URL);
    char *other = database_path("/var/lib/icejobfs", "LTAI-2", URL);
    char *elsewhere =
        database_path("/var/lib/icejobfs", "LTAI-1", "https://ice.cn-beijing.aliyuncs.com");
    assert_string_equal(a, again);
    assert_string_not_equal(a, other);
    assert_string_not_equal(a, elsewhere);
    assert_null(strstr(a, "LTAI"));
    assert_memory_equal(a, "/var/lib/icejobfs/", 18);
    assert_string_equal(a + strlen(a) - 3, ".db");
    free(a);
    free(again);
    free(other);
    free(elsewhere);
}

static void the_directory_is_nobody_elses(void **state)
{
    (void)state;
    char dir[] = "/tmp/icejobfs-test-XXXXXX", below[64];
    struct stat st;
    assert_non_null(mkdtemp(dir));
    assert_true(snprintf(below, sizeof below, "%s/state", dir) > 0);
    mode_t mask = umask(0);
    assert_int_equal(database_make_dir(below), 0);
    umask(mask);
    assert_int_equal(stat(below, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(database_make_dir(below), 0);
    rmdir(below);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_account_and_endpoint_has_its_own_database_always_the_same),
        cmocka_unit_test(the_directory_is_nobody_elses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
