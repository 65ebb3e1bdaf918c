/* uthash without its exit(): when memory runs out an element is simply not added, and its hh.tbl
 * stays NULL. */
#ifndef ICE_BASE_UTHASH_SAFE_H
#define ICE_BASE_UTHASH_SAFE_H

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->hh.tbl = NULL)
#include <uthash.h>

#endif
