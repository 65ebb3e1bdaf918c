#include "base/metric.h"
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

static _Atomic int64_t values[METRIC_COUNT];

static const struct {
    const char *name, *type, *help;
} table[METRIC_COUNT] = {
#define METRIC_ROW(id, name, type, help) {name, type, help},
    METRIC_TABLE(METRIC_ROW)
#undef METRIC_ROW
};

void metric_add(enum metric m, int64_t n)
{
    atomic_fetch_add_explicit(&values[m], n, memory_order_relaxed);
}

void metric_set(enum metric m, int64_t value)
{
    atomic_store_explicit(&values[m], value, memory_order_relaxed);
}

int64_t metric_get(enum metric m)
{
    return atomic_load_explicit(&values[m], memory_order_relaxed);
}

int metric_render(struct buf *out)
{
    for (int m = 0; m < METRIC_COUNT; m++) {
        const char *name = table[m].name;
        const char *suffix = strcmp(table[m].type, "counter") == 0 ? "_total" : "";
        if (buf_addf(out,
                     "# TYPE icejobfs_%s %s\n# HELP icejobfs_%s %s.\nicejobfs_%s%s %" PRId64 "\n",
                     name, table[m].type, name, table[m].help, name, suffix,
                     metric_get((enum metric)m)) < 0)
            return -1;
    }
    return buf_adds(out, "# EOF\n");
}
