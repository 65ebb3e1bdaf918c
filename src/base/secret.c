#include "base/secret.h"
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void secret_wipe(void *p, size_t n)
{
    explicit_bzero(p, n);
}

void secret_free(char *text)
{
    if (!text)
        return;
    secret_wipe(text, strlen(text));
    free(text);
}

void secret_cleanup(char **text)
{
    secret_free(*text);
    *text = NULL;
}

void secret_harden_process(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
