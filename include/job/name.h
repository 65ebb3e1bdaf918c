/* Names: job ids, the API's keys, file names, and the small numbers that stand for file names in
 * inode numbers. Pure but for the process-wide table of names, which only grows and is bounded. */
#ifndef ICE_JOB_NAME_H
#define ICE_JOB_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOB_ID_MIN 8
#define JOB_ID_MAX 128 /* without the NUL */

/* Whether a name may be a job id: 8 to 128 of A-Z a-z 0-9 - _. (All known ids are 32 lower-case hex
 * digits; the API only calls them strings.) Names that file managers probe for fail here and cost
 * no call. */
bool job_id_possible(const char *name);

#define JOB_NAME_MAX 120 /* bytes of a field's file name without the NUL */

/* The API's key in snake_case: MediaURL -> media_url, VodMediaId -> vod_media_id, JobId -> job_id.
 * `json`: append
 * ".json". Bytes other than A-Z a-z 0-9 _ - become '_'. false: it cannot be a file name (empty, too
 * long). */
bool job_key_to_name(const char *key, bool json, char out[JOB_NAME_MAX + 1]);

/* Whether a name may be a field's file: [a-z0-9_-]+(.json)?, not longer than JOB_NAME_MAX. */
bool job_name_possible(const char *name);

#define JOB_NAME_NUMBER_MIN 16

/* The number of a field name, 16 to 65535, the same for all jobs and the life of the process; from
 * a hash, so that it is the same after a restart too (but for collisions, which are resolved by
 * probing in order of appearance). 0: the table is full (4096 names) and the name is new; such a
 * field is dropped with a log line. job_name_find does not add: 0 when unknown. */
uint16_t job_name_number(const char *name);
uint16_t job_name_find(const char *name);

/* Whether only Get tells what stands in the file of this number: progress, timeline.json, job.json,
 * ..., and keys nobody has documented. The other files a list item gives too. */
bool job_name_needs_get(uint16_t number);

/* The interned text of a number, for ever valid; NULL when nobody has it. */
const char *job_name_text(uint16_t number);

#endif
