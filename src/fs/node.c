#include "fs/node.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/hash.h"
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define S_PER_DAY  INT64_C(86400)
#define DATES      ((1 << NODE_NUMBER_BITS) - NODE_DATE_BASE)
#define DATE_CHARS (NODE_DATE_LEN - 1)

static_assert(NODE_FIXED_END <= NODE_DATE_BASE, "days begin above the fixed nodes");

static const struct fixed_entry fixed[] = {
    {NODE_ROOT, NODE_ROOT, "", true, false},
    {NODE_JOBS, NODE_ROOT, "jobs", true, false},
    {NODE_BY_STATUS, NODE_ROOT, "by-status", true, false},
    {NODE_INIT, NODE_BY_STATUS, "Init", true, false},
    {NODE_QUEUING, NODE_BY_STATUS, "Queuing", true, false},
    {NODE_PROCESSING, NODE_BY_STATUS, "Processing", true, false},
    {NODE_SUCCESS, NODE_BY_STATUS, "Success", true, false},
    {NODE_FAILED, NODE_BY_STATUS, "Failed", true, false},
    {NODE_BY_PROJECT, NODE_ROOT, "by-project", true, false},
    {NODE_BY_DATE, NODE_ROOT, "by-date", true, false},
    {NODE_JOBS_TSV, NODE_ROOT, "jobs.tsv", false, false},
    {NODE_EVENTS_LOG, NODE_ROOT, "events.log", false, false},
    {NODE_EVENTS, NODE_ROOT, "events", false, true},
    {NODE_META, NODE_ROOT, ".icejobfs", true, false},
    {NODE_METRICS, NODE_META, "metrics", false, false},
    {NODE_HEALTH, NODE_META, "health.json", false, false},
    {NODE_HELP, NODE_META, "help.txt", false, false},
};

enum fixed_node node_of_status(enum job_status status)
{
    return status == JOB_STATUS_OTHER ? NODE_NONE : (enum fixed_node)(NODE_STATUS + (int)status);
}

enum job_status status_of_node(uint64_t ino)
{
    return ino >= NODE_INIT && ino <= NODE_FAILED ? (enum job_status)(ino - NODE_STATUS)
                                                  : JOB_STATUS_OTHER;
}

const struct fixed_entry *fixed_find(enum fixed_node parent, const char *name)
{
    for (size_t i = 1; i < ARRAY_LEN(fixed); i++)
        if (fixed[i].parent == parent && strcmp(fixed[i].name, name) == 0)
            return &fixed[i];
    return NULL;
}

const struct fixed_entry *fixed_get(uint64_t ino)
{
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (fixed[i].node == ino)
            return &fixed[i];
    return NULL;
}

const struct fixed_entry *fixed_child(enum fixed_node parent, size_t i)
{
    for (size_t k = 1; k < ARRAY_LEN(fixed); k++)
        if (fixed[k].parent == parent && !fixed[k].hidden && i-- == 0)
            return &fixed[k];
    return NULL;
}

/* ---- groups ---- */

static bool is_directory_name(const char *text)
{
    size_t n = strnlen(text, NAME_MAX + 1);
    if (n == 0 || n > NAME_MAX || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return false;
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f || *text == '/')
            return false;
    return true;
}

uint64_t node_of_project(const char *project)
{
    if (!is_directory_name(project))
        return NODE_NONE;
    uint64_t hash = hash_text(project) >> NODE_NUMBER_BITS;
    return node_make(hash ? hash : 1, NODE_PROJECT);
}

uint64_t node_of_date(int64_t unix_s)
{
    if (unix_s < 0 || unix_s / S_PER_DAY >= DATES)
        return NODE_NONE;
    return NODE_DATE_BASE + (uint64_t)(unix_s / S_PER_DAY);
}

void node_date_name(uint64_t ino, char out[NODE_DATE_LEN])
{
    char when[CLOCK_ISO_LEN];
    clock_iso((int64_t)(ino - NODE_DATE_BASE) * S_PER_DAY, when);
    memcpy(out, when, DATE_CHARS);
    out[DATE_CHARS] = '\0';
}

uint64_t node_date_named(const char *name)
{
    char when[CLOCK_ISO_LEN];
    int64_t ns;
    if (strnlen(name, NODE_DATE_LEN) != DATE_CHARS)
        return NODE_NONE;
    snprintf(when, sizeof when, "%sT00:00:00Z", name);
    return clock_parse_iso(when, &ns) == 0 ? node_of_date(ns / NS_PER_S) : NODE_NONE;
}
