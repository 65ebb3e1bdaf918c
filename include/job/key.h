/* The documented keys of MediaProducingJob, and the two files that every job has besides. Private
 * to the room. One table: a key added here has its file, its type check and its reserved name. */
#ifndef ICE_JOB_KEY_H
#define ICE_JOB_KEY_H

#include <stdbool.h>
#include <stdint.h>

enum job_key_type {
    JOB_KEY_TEXT,    /* a JSON string */
    JOB_KEY_JSON,    /* a JSON string that holds JSON text, as the service wrote it */
    JOB_KEY_NUMBER,  /* a JSON number */
    JOB_KEY_INTEGER, /* a JSON number without a fraction */
    JOB_KEY_MADE,    /* no key of MediaProducingJob: made of the reply around it */
};

#define JOB_KEY_TABLE(X)                                                                           \
    X(JOB_KEY_CLIPS_PARAM, "ClipsParam", "clips_param.json", JOB_KEY_JSON, true)                   \
    X(JOB_KEY_CODE, "Code", "code", JOB_KEY_TEXT, true)                                            \
    X(JOB_KEY_COMPLETE_TIME, "CompleteTime", "complete_time", JOB_KEY_TEXT, true)                  \
    X(JOB_KEY_CREATE_TIME, "CreateTime", "create_time", JOB_KEY_TEXT, true)                        \
    X(JOB_KEY_DURATION, "Duration", "duration", JOB_KEY_NUMBER, true)                              \
    X(JOB_KEY_JOB_ID, "JobId", "job_id", JOB_KEY_TEXT, true)                                       \
    X(JOB_KEY_MEDIA_ID, "MediaId", "media_id", JOB_KEY_TEXT, true)                                 \
    X(JOB_KEY_MEDIA_URL, "MediaURL", "media_url", JOB_KEY_TEXT, true)                              \
    X(JOB_KEY_MESSAGE, "Message", "message", JOB_KEY_TEXT, true)                                   \
    X(JOB_KEY_MODIFIED_TIME, "ModifiedTime", "modified_time", JOB_KEY_TEXT, true)                  \
    X(JOB_KEY_PROGRESS, "Progress", "progress", JOB_KEY_INTEGER, false)                            \
    X(JOB_KEY_PROJECT_ID, "ProjectId", "project_id", JOB_KEY_TEXT, true)                           \
    X(JOB_KEY_STATUS, "Status", "status", JOB_KEY_TEXT, true)                                      \
    X(JOB_KEY_SUB_JOB_MATERIALS, "SubJobMaterials", "sub_job_materials.json", JOB_KEY_JSON, false) \
    X(JOB_KEY_TEMPLATE_ID, "TemplateId", "template_id", JOB_KEY_TEXT, true)                        \
    X(JOB_KEY_TIMELINE, "Timeline", "timeline.json", JOB_KEY_JSON, false)                          \
    X(JOB_KEY_USER_DATA, "UserData", "user_data.json", JOB_KEY_JSON, true)                         \
    X(JOB_KEY_VOD_MEDIA_ID, "VodMediaId", "vod_media_id", JOB_KEY_TEXT, false)                     \
    X(JOB_KEY_REQUEST_ID, "", "request_id", JOB_KEY_MADE, false)                                   \
    X(JOB_KEY_WHOLE, "", "job.json", JOB_KEY_MADE, false)

enum job_key_id {
#define JOB_KEY_ENUM(id, key, name, type, listed) id,
    JOB_KEY_TABLE(JOB_KEY_ENUM)
#undef JOB_KEY_ENUM
        JOB_KEY_COUNT
};

struct job_key {
    const char *key;  /* as the API writes it; "" for JOB_KEY_MADE */
    const char *name; /* of the file */
    enum job_key_type type;
    bool listed; /* an item of ListMediaProducingJobs has it too */
};

const struct job_key *job_key(enum job_key_id id);

/* The number of its name (job/name.h). The documented names are the first in the table of names, so
 * there is always room for them. */
uint16_t job_key_number(enum job_key_id id);

/* Whether it is the number of what differs in each reply: the request id, the whole answer. */
bool job_key_is_envelope(uint16_t number);

/* Find a key by the API's spelling (case counts), or a key that has this file name; JOB_KEY_COUNT
 * for none. */
enum job_key_id job_key_find(const char *key);
enum job_key_id job_key_of_name(const char *name);

#endif
