/* The lines of the log as text (fs/events.h has their form). Pure. */
#ifndef ICE_FS_EVENTS_LINE_H
#define ICE_FS_EVENTS_LINE_H

#include "base/buf.h"
#include "fs/events.h"

#define EVENTS_HEARTBEAT_MAX 128

/* Append a change to an empty buffer with the ceiling EVENTS_LINE_MAX. Texts are cut at 256 bytes,
 * at a character. 0, or -1 without memory. */
int events_line_change(struct buf *out, uint64_t seq, const struct event *event) ICE_MUST_CHECK;

/* Returns its length. */
size_t events_line_heartbeat(char out[EVENTS_HEARTBEAT_MAX], uint64_t last_seq, int64_t time_ns);

#endif
