#include "job/key.h"
#include "job/name.h"
#include <pthread.h>
#include <string.h>

static const struct job_key keys[] = {
#define JOB_KEY_ROW(id, key, name, type, listed) [id] = {key, name, type, listed},
    JOB_KEY_TABLE(JOB_KEY_ROW)
#undef JOB_KEY_ROW
};

const struct job_key *job_key(enum job_key_id id)
{
    return &keys[id];
}

static uint16_t numbers[JOB_KEY_COUNT];

static void take_numbers(void)
{
    for (unsigned id = 0; id < JOB_KEY_COUNT; id++)
        numbers[id] = job_name_number(keys[id].name);
}

uint16_t job_key_number(enum job_key_id id)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, take_numbers);
    return numbers[id];
}

bool job_key_is_envelope(uint16_t number)
{
    return number == job_key_number(JOB_KEY_REQUEST_ID) || number == job_key_number(JOB_KEY_WHOLE);
}

enum job_key_id job_key_find(const char *key)
{
    for (unsigned id = 0; id < JOB_KEY_COUNT; id++)
        if (keys[id].type != JOB_KEY_MADE && strcmp(keys[id].key, key) == 0)
            return id;
    return JOB_KEY_COUNT;
}

enum job_key_id job_key_of_name(const char *name)
{
    for (unsigned id = 0; id < JOB_KEY_COUNT; id++)
        if (strcmp(keys[id].name, name) == 0)
            return id;
    return JOB_KEY_COUNT;
}
