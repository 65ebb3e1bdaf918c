/* Showing what has changed, and telling of it. The updater's thread alone. */
#ifndef ICE_FS_PUBLISH_H
#define ICE_FS_PUBLISH_H

#include "job/job.h"
#include <stdbool.h>
#include <stdint.h>

struct event;
struct fs;

/* A new version of a known job is staged: show it. */
void publish_change(struct fs *fs, uint64_t key, const struct job *before, const struct job *after);
/* A job is shown now and was not: its links, the log. */
void publish_created(struct fs *fs, uint64_t key, const struct job *job);

/* The names in jobs/ have changed: its time moves, and the kernel drops the listing that it keeps.
 */
void publish_listing(struct fs *fs);
/* The same, of names whose time has been set when they came. */
void publish_listing_again(struct fs *fs);

/* A job was discovered: it appears in jobs/ (arrival.c). */
void publish_born(struct fs *fs, uint64_t key, const char *id);
/* A job is to be forgotten: it goes, unless somebody has read it meanwhile (arrival.c). */
void publish_leaving(struct fs *fs, uint64_t key, const char *id);
/* The notifier's MKDIR in jobs/, or the same in silence: a discovered job is shown, complete.
 * false: it is shown already, or there is no such job. */
bool publish_unborn(struct fs *fs, const char *id, uint64_t *key);

/* The notifier's RMDIR in jobs/, or the same in silence: a job that leaves is forgotten. false:
 * somebody has read it meanwhile, or asks for it. */
bool publish_forget(struct fs *fs, uint64_t key);
/* A version was shown at once, for what was shown before it is lost. */
void publish_unseen(struct fs *fs, uint64_t key, const struct job *job);

/* A line in the log of changes; it rings, and if `tsv` so does jobs.tsv. */
void publish_lines(struct fs *fs, const struct event *event, bool tsv);

#endif
