/* Log lines: one event a line, `key=value` facts after the words, the same words for the same event
 * always.
 *
 * To stderr while in front, to syslog(3) in the background. Thread-safe; keeps errno. Secrets are
 * never given to it (base/secret.h); control characters in the text become '?'. */
#ifndef ICE_BASE_LOG_H
#define ICE_BASE_LOG_H

#include "base/attr.h"
#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines above `max` are dropped. Default: LOG_LEVEL_INFO to stderr. */
void log_set_level(enum log_level max);

/* true: syslog(3), facility daemon; false: stderr. */
void log_to_syslog(bool on);

bool log_wants(enum log_level level);

void log_line(enum log_level level, const char *fmt, ...) ICE_PRINTF(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
    do {                                                                                           \
        if (log_wants(LOG_LEVEL_DEBUG))                                                            \
            log_line(LOG_LEVEL_DEBUG, __VA_ARGS__);                                                \
    } while (0)

#endif
