/* What the user may have meant: the known name that a mistyped word is nearest to. */
#ifndef ICE_BASE_TYPO_H
#define ICE_BASE_TYPO_H

#include <stddef.h>

/* Longer words are no typing slips: they have no nearest name. */
#define TYPO_WORD_MAX 64

/* Of `n` known names the one that the fewest slips (a character added, left out, replaced, or two
 * swapped; case counts for nothing) turn into `word`; the first of equals. NULL when all are too
 * far away (more than a third of the longer one's characters, but one slip is always near) or n
 * is 0. Borrowed from `known`. */
const char *typo_nearest(const char *word, const char *const *known, size_t n);

#endif
