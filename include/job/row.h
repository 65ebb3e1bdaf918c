/* A job's line in jobs.tsv. The columns are stable: new ones are added behind the last. */
#ifndef ICE_JOB_ROW_H
#define ICE_JOB_ROW_H

#include "base/buf.h"
#include "job/job.h"

/* "job_id\tstatus\tprogress\tcreate_time\tmodified_time\tcomplete_time\tduration\tproject_id\t
 * media_url\tcode\tmessage\n" (one line) */
extern const char job_row_header[];

/* Append the line of a job, its line feed included. A field that it has not is empty. In values a
 * tab reads \t, a line feed \n, a carriage return \r, a backslash \\. 0, or -1 (errno of buf_add).
 */
int job_row(const struct job *j, struct buf *out) ICE_MUST_CHECK;
/* Whether the lines of two versions of a job are the same. */
bool job_row_same(const struct job *a, const struct job *b);

/* How long that line is. */
size_t job_row_len(const struct job *j);

#endif
