#include "sim/token.h"
#include "base/hash.h"
#include "sim/dice.h"
#include <openssl/evp.h>
#include <string.h>

/* 22 bytes, since one over a multiple of three ends in `==`: a mark whose six high bits are 62 and
 * so give `+`, a check byte, the three members. The members are masked, so that nobody reads them.
 */
#define PLAIN_LEN 22
#define MARK      0xf8

static void mask(unsigned char bytes[PLAIN_LEN])
{
    uint64_t key = sim_dice(bytes[1], MARK, SIM_FOR_REQUEST_ID);
    for (int i = 2; i < PLAIN_LEN; i++)
        bytes[i] ^= (unsigned char)(key >> (8 * (i % 8)));
}

void sim_token_write(const struct sim_token *t, char out[SIM_TOKEN_LEN])
{
    unsigned char bytes[PLAIN_LEN] = {MARK};
    memcpy(bytes + 2, &t->create_s, 8);
    memcpy(bytes + 10, &t->order, 8);
    memcpy(bytes + 18, &t->query, 4);
    bytes[1] = (unsigned char)hash_bytes(bytes + 2, PLAIN_LEN - 2);
    mask(bytes);
    EVP_EncodeBlock((unsigned char *)out, bytes, PLAIN_LEN);
}

int sim_token_read(const char *text, struct sim_token *t)
{
    unsigned char bytes[24]; /* the padding decodes to zeros */
    if (strlen(text) != SIM_TOKEN_LEN - 1)
        return -1;
    if (EVP_DecodeBlock(bytes, (const unsigned char *)text, SIM_TOKEN_LEN - 1) != sizeof(bytes))
        return -1;
    mask(bytes);
    if (bytes[0] != MARK || bytes[1] != (unsigned char)hash_bytes(bytes + 2, PLAIN_LEN - 2))
        return -1;
    memcpy(&t->create_s, bytes + 2, 8);
    memcpy(&t->order, bytes + 10, 8);
    memcpy(&t->query, bytes + 18, 4);
    return 0;
}
