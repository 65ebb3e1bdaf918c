#include "stress/version.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TOKEN 9 /* "00000042 " */

/* From one token to some 60 KB, small ones and large ones in turn. */
static size_t tokens_of(unsigned version)
{
    static const unsigned most[] = {1, 4500, 30, 450, 6600, 4, 1000};
    uint32_t mixed = (uint32_t)version * UINT32_C(2654435761);
    return 1 + (mixed >> 16) % most[version % (sizeof most / sizeof most[0])];
}

static void token_of(unsigned version, char out[TOKEN + 1])
{
    snprintf(out, TOKEN + 1, "%08u ", version % 100000000U);
}

size_t version_text(unsigned version, char out[VERSION_TEXT_MAX])
{
    char token[TOKEN + 1];
    size_t n = tokens_of(version);
    token_of(version, token);
    for (size_t i = 0; i < n; i++)
        memcpy(out + i * TOKEN, token, TOKEN);
    out[n * TOKEN] = '\0';
    return n * TOKEN;
}

unsigned version_of(const char *data, size_t len)
{
    unsigned version = 0;
    char token[TOKEN + 1];
    if (len < TOKEN + 1 || data[len - 1] != '\n')
        return 0;
    for (size_t i = 0; i < TOKEN - 1; i++) {
        if (data[i] < '0' || data[i] > '9')
            return 0;
        version = version * 10 + (unsigned)(data[i] - '0');
    }
    if (len != tokens_of(version) * TOKEN + 1)
        return 0;
    token_of(version, token);
    for (size_t at = 0; at + 1 < len; at += TOKEN)
        if (memcmp(data + at, token, TOKEN) != 0)
            return 0;
    return version;
}
