/* A table from text to number, with a ceiling on its size. Zeroed memory with `max` set is empty.
 */
#ifndef ICE_SIM_MAP_H
#define ICE_SIM_MAP_H

#include "base/attr.h"
#include <stddef.h>
#include <stdint.h>

struct sim_map_slot {
    char *key; /* NULL: free */
    uint64_t value;
};

struct sim_map {
    struct sim_map_slot *slots;
    size_t cap; /* 0 or a power of two */
    size_t used;
    size_t max; /* most keys */
};

/* The value's place, or NULL when the key is not there. Valid until the next sim_map_put. */
uint64_t *sim_map_find(const struct sim_map *m, const char *key);

/* The same, made with value 0 if it is not there. NULL: no memory (ENOMEM) or full (EFBIG). */
uint64_t *sim_map_put(struct sim_map *m, const char *key) ICE_MUST_CHECK;

/* Forget everything and free the memory; usable after. */
void sim_map_clear(struct sim_map *m);

#endif
