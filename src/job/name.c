#include "job/name.h"
#include "base/hash.h"
#include "base/thread.h"
#include "job/key.h"
#include <stdatomic.h>
#include <string.h>

#define NUMBER_MIN JOB_NAME_NUMBER_MIN
#define NUMBER_MAX 65535
#define NAMES_MAX  4096
#define JSON_END   ".json"

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_mark(char c)
{
    return c == '_' || c == '-';
}

bool job_id_possible(const char *name)
{
    size_t n = 0;
    for (; name[n]; n++) {
        char c = name[n];
        if (n == JOB_ID_MAX || !(is_upper(c) || is_lower(c) || is_digit(c) || is_mark(c)))
            return false;
    }
    return n >= JOB_ID_MIN;
}

/* Whether the capital at `i` begins a word: Media|Id, Vod|Media, and the last capital of
 * HTTP|Server.
 */
static bool begins_word(const char *key, size_t i)
{
    if (i == 0 || !is_upper(key[i]))
        return false;
    char before = key[i - 1];
    return is_lower(before) || is_digit(before) || (is_upper(before) && is_lower(key[i + 1]));
}

static char name_char(char c)
{
    if (is_upper(c))
        return (char)(c - 'A' + 'a');
    if (is_lower(c) || is_digit(c) || is_mark(c))
        return c;
    return '_';
}

bool job_key_to_name(const char *key, bool json, char out[JOB_NAME_MAX + 1])
{
    const size_t most = JOB_NAME_MAX - (json ? strlen(JSON_END) : 0);
    size_t n = 0;
    for (size_t i = 0; key[i]; i++) {
        bool gap = begins_word(key, i);
        if (n + gap + 1 > most)
            return false;
        if (gap)
            out[n++] = '_';
        out[n++] = name_char(key[i]);
    }
    if (n == 0)
        return false;
    memcpy(out + n, json ? JSON_END : "", json ? sizeof JSON_END : 1);
    return true;
}

bool job_name_possible(const char *name)
{
    size_t n = 0;
    while (is_lower(name[n]) || is_digit(name[n]) || is_mark(name[n]))
        n++;
    if (n == 0)
        return false;
    if (name[n])
        return strcmp(name + n, JSON_END) == 0 && n + strlen(JSON_END) <= JOB_NAME_MAX;
    return n <= JOB_NAME_MAX;
}

/* The table of names is indexed by number, so that both directions are one array. It is read
 * without a lock: an entry is stored once, complete, and never changes. Texts live in a pool, so
 * that adding a name cannot fail for want of memory. */
static _Atomic(const char *) texts[NUMBER_MAX + 1];

static pthread_mutex_t adding =
    PTHREAD_MUTEX_INITIALIZER; /* protects all below, and stores above */
static size_t n_names;
static char pool[NAMES_MAX * 32];
static size_t pool_used;

/* The number that has this name, or the free one that it would get. At most a sixteenth of the
 * numbers are ever taken, so the loop ends. */
static uint16_t probe(const char *name, bool *taken)
{
    unsigned n = NUMBER_MIN + (unsigned)(hash_text(name) % (NUMBER_MAX - NUMBER_MIN + 1));
    for (;; n = n < NUMBER_MAX ? n + 1 : NUMBER_MIN) {
        const char *text = atomic_load_explicit(&texts[n], memory_order_acquire);
        *taken = text != NULL;
        if (!text || strcmp(text, name) == 0)
            return (uint16_t)n;
    }
}

static const char *pool_copy(const char *name)
{
    size_t size = strlen(name) + 1;
    if (n_names == NAMES_MAX || size > sizeof pool - pool_used)
        return NULL;
    char *copy = memcpy(pool + pool_used, name, size);
    pool_used += size;
    n_names++;
    return copy;
}

uint16_t job_name_number(const char *name)
{
    bool taken;
    uint16_t number = probe(name, &taken);
    if (taken)
        return number;
    if (!job_name_possible(name))
        return 0;
    LOCK_SCOPE(&adding);
    number = probe(name, &taken); /* another thread may have been first */
    if (taken)
        return number;
    const char *text = pool_copy(name);
    if (!text)
        return 0;
    atomic_store_explicit(&texts[number], text, memory_order_release);
    return number;
}

uint16_t job_name_find(const char *name)
{
    bool taken;
    uint16_t number = probe(name, &taken);
    return taken ? number : 0;
}

bool job_name_needs_get(uint16_t number)
{
    for (enum job_key_id id = 0; id < JOB_KEY_COUNT; id++)
        if (job_key_number(id) == number)
            return !job_key(id)->listed;
    return true;
}

const char *job_name_text(uint16_t number)
{
    return atomic_load_explicit(&texts[number], memory_order_acquire);
}
