#include "sim/id.h"
#include "sim/dice.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A Feistel network: each round can be undone without inverting the round's function. One half
 * carries the index, the other a mark of seed and kind; an id is ours if the mark comes back. */
#define ROUNDS 4

static uint64_t mark(uint64_t seed, enum sim_id_kind kind)
{
    return sim_dice(seed, kind, SIM_FOR_ID);
}

static uint64_t round_key(uint64_t seed, uint64_t half, int round)
{
    return sim_dice(seed, half, SIM_FOR_ID + 1 + (uint64_t)round);
}

void sim_id_make(uint64_t seed, enum sim_id_kind kind, uint64_t index, char out[SIM_ID_LEN])
{
    uint64_t left = index;
    uint64_t right = mark(seed, kind);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t next = left ^ round_key(seed, right, round);
        left = right;
        right = next;
    }
    snprintf(out, SIM_ID_LEN, "%016" PRIx64 "%016" PRIx64, left, right);
}

static bool parse_half(const char *hex, uint64_t *half)
{
    *half = 0;
    for (int i = 0; i < 16; i++) {
        const char *digit = hex[i] ? strchr("0123456789abcdef", hex[i]) : NULL;
        if (!digit)
            return false;
        *half = *half << 4 | (uint64_t)(*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
    }
    return true;
}

bool sim_id_index(uint64_t seed, enum sim_id_kind kind, const char *id, uint64_t *index)
{
    uint64_t left;
    uint64_t right;
    if (strlen(id) != SIM_ID_LEN - 1 || !parse_half(id, &left) || !parse_half(id + 16, &right))
        return false;
    for (int round = ROUNDS; round-- > 0;) {
        uint64_t before = right ^ round_key(seed, left, round);
        right = left;
        left = before;
    }
    *index = left;
    return right == mark(seed, kind);
}
