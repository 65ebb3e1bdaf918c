#include "fs/notes.h"
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

static int compare(const void *a, const void *b)
{
    const struct note *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static void append(struct notes *n, struct note *note, bool later)
{
    note->later = later;
    if (later)
        DL_APPEND(n->later, note);
    else
        DL_APPEND(n->first, note);
}

static void unlink_note(struct notes *n, struct note *note)
{
    if (note->later)
        DL_DELETE(n->later, note);
    else
        DL_DELETE(n->first, note);
}

static struct note *note_new(uint64_t key, const char *id)
{
    struct note *note = calloc(1, sizeof *note);
    if (!note)
        return NULL;
    note->key = key;
    if (id)
        memcpy(note->id, id, strnlen(id, JOB_ID_MAX));
    return note;
}

static struct note *make(struct notes *n, uint64_t key, const char *id, bool later)
{
    struct note *note = note_new(key, id);
    if (!note || !tsearch(note, &n->by_key, compare)) {
        free(note);
        return NULL;
    }
    append(n, note, later);
    return note;
}

/* The note of a job, new if it has none; one that waits in the second class comes up to the first
 * with what belongs there. NULL without memory. */
static struct note *note_of(struct notes *n, uint64_t key, const char *id, bool later)
{
    struct note wanted = {.key = key};
    struct note *const *found = tfind(&wanted, &n->by_key, compare);
    if (!found)
        return make(n, key, id, later);
    struct note *note = *found;
    if (id)
        memcpy(note->id, id, strnlen(id, JOB_ID_MAX));
    if (note->later && !later) {
        unlink_note(n, note);
        append(n, note, false);
    }
    return note;
}

static void write_down(struct note *note, enum cache_event event)
{
    switch (event) {
    case CACHE_CREATED:
        note->created = true;
        note->nothing = false;
        break;
    case CACHE_UNBORN:
        note->unborn = true;
        note->nothing = false;
        break;
    case CACHE_STAGED:
        note->staged = true;
        break;
    case CACHE_LEAVING:
        note->leaving = true;
        break;
    case CACHE_NOTHING:
        note->nothing = true;
        break;
    case CACHE_CHANGED: /* staging is on, so it comes when there was nothing to compare with */
        note->changed = true;
        break;
    }
}

bool notes_add(struct notes *n, enum cache_event event, uint64_t key, const char *id)
{
    struct note *note = note_of(n, key, id, event == CACHE_UNBORN || event == CACHE_LEAVING);
    if (note)
        write_down(note, event);
    return note != NULL;
}

bool notes_settle(struct notes *n, uint64_t key)
{
    struct note *note = note_of(n, key, NULL, false);
    if (note)
        note->settle = true;
    return note != NULL;
}

bool notes_empty(const struct notes *n)
{
    return !n->first && !n->later;
}

static struct note *choose(struct notes *n)
{
    if (n->later && (!n->first || n->in_a_row >= NOTES_A_TURN)) {
        n->in_a_row = 0;
        return n->later;
    }
    n->in_a_row++;
    return n->first;
}

struct note *notes_take(struct notes *n)
{
    struct note *note = choose(n);
    if (note) {
        unlink_note(n, note);
        tdelete(note, &n->by_key, compare);
    }
    return note;
}

void notes_free(struct notes *n)
{
    for (struct note *note = notes_take(n); note; note = notes_take(n))
        free(note);
}
