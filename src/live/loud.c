#include "live/live_private.h"
#include <string.h>

#define HOUR_MS INT64_C(3600000)

bool loud_now(struct loud *l, const char *code, int64_t now_ms)
{
    size_t row = 0;
    for (size_t i = 0; i < LOUD_CODES; i++) {
        if (strcmp(l->rows[i].code, code) == 0 && l->rows[i].said_ms != 0) {
            row = i;
            break;
        }
        if (l->rows[i].said_ms < l->rows[row].said_ms) /* free, or the oldest */
            row = i;
    }
    bool same = strcmp(l->rows[row].code, code) == 0 && l->rows[row].said_ms != 0;
    if (same && now_ms - l->rows[row].said_ms < HOUR_MS)
        return false;
    strncpy(l->rows[row].code, code, sizeof(l->rows[row].code) - 1);
    l->rows[row].said_ms = now_ms;
    return true;
}
