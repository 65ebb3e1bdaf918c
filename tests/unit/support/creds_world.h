/* A small world for credentials tests: an environment of its own, a home directory of its own, a
 * clock that can be moved, and a log that is kept. Every secret of these tests holds SECRET_MARK:
 * world_end fails the test when it is in the log. */
#ifndef TEST_CREDS_WORLD_H
#define TEST_CREDS_WORLD_H

#include "api/creds.h"
#include "api/creds_ctx.h"

#define SECRET_MARK "s3kr3t"

struct world;

/* Begins with the metadata service switched off, so that no test asks a real one. */
struct world *world_start(void);
void world_end(struct world *w);

const struct creds_env *world_env(struct world *w);
void world_profile(struct world *w, const char *profile); /* as the option gives it */
const char *world_home(const struct world *w);

/* NULL unsets. From any thread. */
void world_set(struct world *w, const char *name, const char *value);

/* A file under the home directory, mode 0600, replaced by rename. */
void world_write(struct world *w, const char *path, const char *text);
void world_write_bytes(struct world *w, const char *path, const char *bytes, size_t n);
void world_remove(struct world *w, const char *path);

/* The wall clock that the world shows is the real one plus this. One world at a time. */
void world_shift_clock(int64_t ms);

/* The time `s` seconds from the real now, as services write it. Static memory, four at a time. */
const char *world_iso(int64_t s);

/* The log so far. The caller frees. */
char *world_log(const struct world *w);

/* Fails the test when a secret is in it. */
void assert_no_secret(const char *text);

#endif
