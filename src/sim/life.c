#include "sim/life.h"
#include "sim/dice.h"

const char *sim_status_name(enum sim_status status)
{
    switch (status) {
    case SIM_STATUS_INIT:
        return "Init";
    case SIM_STATUS_QUEUING:
        return "Queuing";
    case SIM_STATUS_PROCESSING:
        return "Processing";
    case SIM_STATUS_SUCCESS:
        return "Success";
    case SIM_STATUS_FAILED:
        return "Failed";
    }
    return "";
}

/* The whole course of one life, in milliseconds since birth. */
struct course {
    int64_t queued, started, ended;
    int64_t step; /* progress moves once in so many milliseconds ... */
    int percent;  /* ... by so much */
    bool failed;
    int64_t quirk;   /* ModifiedTime lies so much after (before, if negative) the end */
    int64_t settled; /* when Duration is known */
};

static int64_t draw(uint64_t seed, uint64_t index, uint64_t purpose, int64_t lo, int64_t hi)
{
    return (int64_t)sim_dice_between(seed, index, purpose, (uint64_t)lo, (uint64_t)hi);
}

/* One in `n` waits or works longer than the others; the next purpose decides on that. */
static int64_t draw_stage(uint64_t seed, uint64_t index, uint64_t purpose, int64_t lo, int64_t hi,
                          uint64_t n)
{
    int64_t ms = draw(seed, index, purpose, lo, hi);
    return sim_dice_one_in(seed, index, purpose + 1, n) ? ms + hi : ms;
}

static void plan_stages(uint64_t seed, uint64_t index, struct course *c)
{
    static const int steps[] = {20, 25, 50, 100};
    c->queued = draw(seed, index, SIM_FOR_INIT, 500, 3000);
    c->started = c->queued + draw_stage(seed, index, SIM_FOR_QUEUE, 1000, 15000, 16);
    int64_t work = draw_stage(seed, index, SIM_FOR_WORK, 8000, 90000, 10);
    int n = steps[draw(seed, index, SIM_FOR_STEPS, 0, 3)];
    c->step = work / n;
    c->percent = 100 / n;
    c->ended = c->started + c->step * n;
}

/* 8 in 100 fail: a quarter of them before any work, the others on the way. */
static void plan_failure(uint64_t seed, uint64_t index, struct course *c)
{
    c->failed = sim_dice(seed, index, SIM_FOR_FAILURE) % 100 < 8;
    if (!c->failed)
        return;
    if (sim_dice_one_in(seed, index, SIM_FOR_FAILURE_TIME, 4))
        c->ended = c->queued;
    else
        c->ended = c->started +
                   (c->ended - c->started) * draw(seed, index, SIM_FOR_FAILURE_TIME, 5, 95) / 100;
}

static struct course plan(uint64_t seed, uint64_t index)
{
    struct course c = {0};
    plan_stages(seed, index, &c);
    plan_failure(seed, index, &c);
    c.quirk = draw(seed, index, SIM_FOR_QUIRK, 0, 6000) - 4000;
    c.settled = c.ended;
    if (!c.failed && sim_dice_one_in(seed, index, SIM_FOR_LATE, 8))
        c.settled += draw(seed, index, SIM_FOR_SETTLED, 3000, 20000);
    return c;
}

/* Steps done when work has gone on for so long; the last one belongs to the end. */
static int64_t steps_done(const struct course *c, int64_t worked)
{
    int64_t last = 100 / c->percent - 1;
    int64_t done = worked / c->step;
    return done < last ? done : last;
}

/* The last change before the end, which the quirk cannot reach behind. */
static int64_t last_change_at_work(const struct course *c)
{
    if (c->ended < c->started)
        return 0;
    return c->started + steps_done(c, c->ended - c->started) * c->step;
}

static void ended(const struct course *c, int64_t age, struct sim_moment *m)
{
    m->status = c->failed ? SIM_STATUS_FAILED : SIM_STATUS_SUCCESS;
    m->has_duration = !c->failed && age >= c->settled;
    int64_t earliest = last_change_at_work(c);
    int64_t modified = c->ended + c->quirk;
    if (modified < earliest)
        modified = earliest;
    if (modified > age) /* not yet: registration comes after the end */
        modified = c->ended;
    if (m->has_duration && c->settled > c->ended)
        modified = c->settled > modified ? c->settled : modified;
    m->modified_ms = modified;
    m->complete_ms = c->ended;
    if (!c->failed)
        m->progress = 100;
    else if (c->ended > c->started)
        m->progress = (int)steps_done(c, c->ended - c->started) * c->percent;
}

static void at_work(const struct course *c, int64_t age, struct sim_moment *m)
{
    if (age < c->queued)
        return;
    m->status = SIM_STATUS_QUEUING;
    m->modified_ms = c->queued;
    if (age < c->started)
        return;
    int64_t done = steps_done(c, age - c->started);
    m->status = SIM_STATUS_PROCESSING;
    m->progress = (int)done * c->percent;
    m->modified_ms = c->started + done * c->step;
}

struct sim_moment sim_life_at(uint64_t seed, uint64_t index, int64_t born_ms, int64_t now_ms)
{
    struct course c = plan(seed, index);
    struct sim_moment m = {.status = SIM_STATUS_INIT};
    int64_t age = now_ms - born_ms;
    if (age >= c.ended)
        ended(&c, age, &m);
    else
        at_work(&c, age, &m);
    m.modified_ms += born_ms;
    if (m.complete_ms)
        m.complete_ms += born_ms;
    return m;
}
