/* What is still to be shown: a note for each job, in two classes.
 *
 * Changes of jobs that somebody may be reading come first; jobs that come or go of their own accord
 * (discovered ones by the thousand) come after, but get their turn: one after each NOTES_A_TURN
 * changes. While a note waits, whatever else happens to its job falls into it; so there are never
 * more notes than jobs. What is shown is taken from the cache when the turn comes.
 *
 * Not thread-safe. */
#ifndef ICE_FS_NOTES_H
#define ICE_FS_NOTES_H

#include "cache/cache.h"
#include <stdbool.h>
#include <stdint.h>

#define NOTES_A_TURN 8

struct note {
    uint64_t key;
    bool created; /* the job is known now and was not: a reader named it */
    bool unborn;  /* discovered */
    bool staged;  /* a new version waits to be shown */
    bool changed; /* a new version is shown already: what was before is lost */
    bool leaving;
    bool nothing; /* a provisional name came to nothing */
    bool settle;
    bool later; /* of the second class */
    char id[JOB_ID_MAX + 1];
    struct note *prev, *next;
};

struct notes {
    struct note *first, *later; /* in order of arrival */
    void *by_key;               /* the same notes, a tree of tsearch(3) */
    unsigned in_a_row;          /* changes taken since the last of the second class */
};

/* Zeroed memory is empty. */
void notes_free(struct notes *n);
bool notes_empty(const struct notes *n);

/* Write down an event of the cache, or (notes_settle) that a job may be settled now. false: no
 * memory. */
bool notes_add(struct notes *n, enum cache_event event, uint64_t key, const char *id);
bool notes_settle(struct notes *n, uint64_t key);

/* The next one, which the caller frees; NULL: none. */
struct note *notes_take(struct notes *n);

#endif
