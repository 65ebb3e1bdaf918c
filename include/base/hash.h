/* A stable 64-bit hash (FNV-1a with a final mix): inode numbers are made of it, so it never
 * changes. */
#ifndef ICE_BASE_HASH_H
#define ICE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t n);
uint64_t hash_text(const char *text);

#endif
