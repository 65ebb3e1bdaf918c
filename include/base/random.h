/* Randomness of the system (getrandom(2)). Policies take random numbers as arguments. */
#ifndef ICE_BASE_RANDOM_H
#define ICE_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fill with unpredictable bytes. Cannot fail: aborts where the kernel has none. */
void random_bytes(void *out, size_t n);

/* What follows takes from a store of each thread's, which a fork without exec would give out
 * twice. */
uint64_t random_u64(void);

/* 32 lower-case hex digits and a NUL: a nonce of 128 bits. */
void random_hex32(char out[33]);

#endif
