#include "base/random.h"
#include "base/log.h"
#include "base/secret.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define POOL 512U /* of each thread */

void random_bytes(void *out, size_t n)
{
    char *p = out;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            log_error("getrandom failed: %m");
            abort();
        }
        p += got;
        n -= (size_t)got;
    }
}

/* A system call gives bytes for many numbers. They are wiped as they are given out. */
static void random_few(void *out, size_t n)
{
    static _Thread_local struct {
        size_t left;
        unsigned char bytes[POOL];
    } pool;
    if (pool.left < n) {
        random_bytes(pool.bytes, POOL);
        pool.left = POOL;
    }
    pool.left -= n;
    memcpy(out, pool.bytes + pool.left, n);
    secret_wipe(pool.bytes + pool.left, n);
}

uint64_t random_u64(void)
{
    uint64_t v;
    random_few(&v, sizeof v);
    return v;
}

void random_hex32(char out[33])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[16];
    random_few(raw, sizeof raw);
    for (size_t i = 0; i < sizeof raw; i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 15];
    }
    out[32] = '\0';
}
