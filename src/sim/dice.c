#include "sim/dice.h"

/* Finalizer of splitmix64: every input bit moves every output bit. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t sim_dice(uint64_t seed, uint64_t index, uint64_t purpose)
{
    static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = mix(seed + golden);
    x = mix(x ^ (purpose * golden));
    return mix(x + (index + 1) * golden);
}

uint64_t sim_dice_between(uint64_t seed, uint64_t index, uint64_t purpose, uint64_t lo, uint64_t hi)
{
    return lo + sim_dice(seed, index, purpose) % (hi - lo + 1);
}

bool sim_dice_one_in(uint64_t seed, uint64_t index, uint64_t purpose, uint64_t n)
{
    return sim_dice(seed, index, purpose) % n == 0;
}

double sim_dice_unit(uint64_t seed, uint64_t index, uint64_t purpose)
{
    /* 53 bits: exact in a double. */
    return (double)(sim_dice(seed, index, purpose) >> 11) / (double)(UINT64_C(1) << 53);
}
