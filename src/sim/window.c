#include "sim/window.h"
#include "base/clock.h"
#include <errno.h>
#include <stdlib.h>

size_t sim_window_count(struct sim_window *w, int64_t now_ns)
{
    while (w->n > 0 && now_ns - w->times[w->first] >= NS_PER_S) {
        w->first = (w->first + 1) & (w->cap - 1);
        w->n--;
    }
    return w->n;
}

static int grow(struct sim_window *w)
{
    size_t cap = w->cap ? w->cap * 2 : 64;
    if (cap > SIM_WINDOW_MAX) {
        errno = EFBIG;
        return -1;
    }
    int64_t *times = malloc(cap * sizeof(*times));
    if (!times)
        return -1;
    for (size_t i = 0; i < w->n; i++)
        times[i] = w->times[(w->first + i) & (w->cap - 1)];
    free(w->times);
    *w = (struct sim_window){.times = times, .cap = cap, .n = w->n};
    return 0;
}

int sim_window_add(struct sim_window *w, int64_t now_ns)
{
    if (sim_window_count(w, now_ns) == w->cap && grow(w) < 0)
        return -1;
    w->times[(w->first + w->n++) & (w->cap - 1)] = now_ns;
    return 0;
}

void sim_window_free(struct sim_window *w)
{
    free(w->times);
    *w = (struct sim_window){0};
}
