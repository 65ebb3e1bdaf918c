#include "sim/job.h"
#include "base/clock.h"
#include "base/num.h"
#include "sim/dice.h"
#include "sim/life.h"
#include "sim/text.h"
#include <string.h>

#define PROJECTS    64 /* different ones in all */
#define BATCH       8  /* jobs of one batch lie next to each other */
#define TEXT_MAX    (1U << 20)
#define NEVER_ENDED 0

/* One writing of one job. */
struct writing {
    const struct sim_job *job;
    struct sim_moment m;
    struct sim_out o;
    struct buf scratch; /* a JSON text before it becomes a string */
};

static bool one_in(const struct sim_job *job, enum sim_purpose purpose, uint64_t n)
{
    return sim_dice_one_in(job->seed, job->index, purpose, n);
}

/* A field without content: left out by most, empty or null for some jobs. */
static void write_nothing(struct writing *w, const char *key)
{
    uint64_t field = SIM_FOR_ABSENCE + (uint64_t)key[0] * 31 + (uint64_t)key[3];
    uint64_t roll = sim_dice(w->job->seed, w->job->index, field) % 10;
    if (roll < 5)
        return;
    sim_out_key(&w->o, key);
    sim_out_text(&w->o, roll < 8 ? "\"\"" : "null");
}

static void write_text(struct writing *w, const char *key, const char *text)
{
    if (text)
        sim_out_pair(&w->o, key, text);
    else
        write_nothing(w, key);
}

static void write_id(struct writing *w, const char *key, enum sim_id_kind kind, uint64_t index)
{
    char id[SIM_ID_LEN];
    sim_id_make(w->job->seed, kind, index, id);
    sim_out_pair(&w->o, key, id);
}

static void write_time(struct writing *w, const char *key, int64_t ms)
{
    char iso[CLOCK_ISO_LEN];
    clock_iso(ms / MS_PER_S, iso);
    write_text(w, key, ms == NEVER_ENDED ? NULL : iso);
}

typedef void text_fn(struct sim_out *o, uint64_t seed, uint64_t index);

static void write_json_text(struct writing *w, const char *key, text_fn *fn, bool broken)
{
    /* The inner text spells non-ASCII as escapes for some jobs, as other people's editors do. */
    struct sim_out inner = {.buf = &w->scratch, .ascii = one_in(w->job, SIM_FOR_ESCAPES, 6)};
    buf_reset(&w->scratch);
    fn(&inner, w->job->seed, w->job->index);
    if (inner.failed) {
        w->o.failed = true;
        return;
    }
    sim_out_key(&w->o, key);
    sim_out_string(&w->o, buf_str(&w->scratch), w->scratch.len - (broken ? 3 : 0));
}

static void write_url(struct writing *w)
{
    bool early = one_in(w->job, SIM_FOR_URL, 5);
    if (w->m.status != SIM_STATUS_SUCCESS && !early) {
        write_nothing(w, "MediaURL");
        return;
    }
    char id[SIM_ID_LEN];
    sim_id_make(w->job->seed, SIM_ID_MEDIA, w->job->index, id);
    sim_out_key(&w->o, "MediaURL");
    const char *folder = one_in(w->job, SIM_FOR_FOLDER, 4) ? "%E6%88%90%E7%89%87" : "output";
    sim_out_format(&w->o, "\"http://demo-bucket.oss-cn-shanghai.aliyuncs.com/%s/%s.mp4\"", folder,
                   id);
}

/* Whole and half seconds, or frames of a thirtieth as 30.033333. */
static void write_duration(struct writing *w)
{
    if (!w->m.has_duration)
        return;
    uint64_t roll = sim_dice(w->job->seed, w->job->index, SIM_FOR_DURATION);
    double seconds = (double)(roll % 240 + 10) / 2;
    if (roll & 1024) {
        uint64_t frames = roll % 7200 + 300;
        uint64_t microseconds = (frames * 1000000 + 15) / 30;
        seconds = (double)microseconds / 1e6;
    }
    char text[NUM_DOUBLE_LEN];
    num_format_double(seconds, text);
    sim_out_key(&w->o, "Duration");
    sim_out_text(&w->o, text);
}

/* Lists of the real service have been seen with Code "Success": some jobs here have it in both
 * forms, so that a reader of both sees no change. */
static void write_failure(struct writing *w)
{
    if (w->m.status == SIM_STATUS_FAILED) {
        const struct sim_failure *failure = sim_text_failure(w->job->seed, w->job->index);
        sim_out_pair(&w->o, "Code", failure->code);
        sim_out_pair(&w->o, "Message", failure->message);
        return;
    }
    bool success = w->m.status == SIM_STATUS_SUCCESS && one_in(w->job, SIM_FOR_CODE_SUCCESS, 16);
    write_text(w, "Code", success ? "Success" : NULL);
    write_nothing(w, "Message");
}

static bool has_template(const struct sim_job *job)
{
    return one_in(job, SIM_FOR_TEMPLATE, 3);
}

static void write_head(struct writing *w)
{
    char project[SIM_ID_LEN];
    write_id(w, "JobId", SIM_ID_JOB, w->job->index);
    write_text(w, "ProjectId", sim_job_project(w->job, project) ? project : NULL);
    write_id(w, "MediaId", SIM_ID_MEDIA, w->job->index);
    write_url(w);
    if (has_template(w->job)) {
        write_id(w, "TemplateId", SIM_ID_TEMPLATE,
                 sim_dice(w->job->seed, w->job->index, SIM_FOR_TEMPLATE) % 16);
        write_json_text(w, "ClipsParam", sim_text_clips_param, false);
    } else {
        write_nothing(w, "TemplateId");
        write_nothing(w, "ClipsParam");
    }
}

static void write_course(struct writing *w)
{
    sim_out_pair(&w->o, "Status", sim_status_name(w->m.status));
    write_time(w, "CreateTime", w->job->born_ms);
    write_time(w, "ModifiedTime", w->m.modified_ms);
    write_time(w, "CompleteTime", w->m.complete_ms);
    write_duration(w);
    write_failure(w);
    write_json_text(w, "UserData", sim_text_user_data, false);
}

static void write_details(struct writing *w)
{
    sim_out_key(&w->o, "Progress");
    sim_out_format(&w->o, "%d", w->m.progress);
    bool broken = w->m.status == SIM_STATUS_FAILED &&
                  sim_text_failure(w->job->seed, w->job->index)->breaks_timeline;
    write_json_text(w, "Timeline", sim_text_timeline, broken);
    if (one_in(w->job, SIM_FOR_MATERIALS, 3))
        write_json_text(w, "SubJobMaterials", sim_text_materials, false);
    else
        write_nothing(w, "SubJobMaterials");
    if (w->m.status == SIM_STATUS_SUCCESS && one_in(w->job, SIM_FOR_VOD, 6))
        write_id(w, "VodMediaId", SIM_ID_VOD, w->job->index);
    else
        write_nothing(w, "VodMediaId");
}

int sim_job_write(const struct sim_job *job, int64_t now_ms, enum sim_form form, struct buf *out)
{
    struct writing w = {.job = job,
                        .m = sim_life_at(job->seed, job->index, job->born_ms, now_ms),
                        .o = {.buf = out},
                        .scratch = BUF_INIT(TEXT_MAX)};
    sim_out_text(&w.o, "{");
    write_head(&w);
    write_course(&w);
    if (form == SIM_FORM_GET)
        write_details(&w);
    sim_out_text(&w.o, "}");
    buf_free(&w.scratch);
    return sim_out_end(&w.o);
}

const char *sim_job_type(const struct sim_job *job)
{
    if (has_template(job))
        return "VETemplateJob";
    return one_in(job, SIM_FOR_LIVE_EDITING, 20) ? "LiveEditingJob" : "EditingJob";
}

bool sim_job_project(const struct sim_job *job, char out[SIM_ID_LEN])
{
    uint64_t roll = sim_dice(job->seed, job->index, SIM_FOR_PROJECT);
    sim_id_make(job->seed, SIM_ID_PROJECT, (roll >> 8) % PROJECTS, out);
    return roll % 8 != 0;
}

bool sim_job_master(const struct sim_job *job, char out[SIM_ID_LEN])
{
    uint64_t batch = job->index / BATCH;
    sim_id_make(job->seed, SIM_ID_MASTER, batch, out);
    return sim_dice_one_in(job->seed, batch, SIM_FOR_MASTER, 4);
}

int sim_job_has_word(const struct sim_job *job, const char *word)
{
    char id[SIM_ID_LEN];
    sim_id_make(job->seed, SIM_ID_JOB, job->index, id);
    if (strstr(id, word) || (sim_job_project(job, id) && strstr(id, word)))
        return 1;
    struct buf CLEANUP_BUF text = BUF_INIT(TEXT_MAX);
    struct sim_out o = {.buf = &text};
    sim_text_user_data(&o, job->seed, job->index);
    if (sim_out_end(&o) < 0)
        return -1;
    return strstr(buf_str(&text), word) ? 1 : 0;
}
