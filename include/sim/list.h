/* ListMediaProducingJobs without the wire: filters, order, pages. A page costs what it looks at,
 * not what there is: ranges are found by bisection, and a page whose filter finds too little ends
 * early with fewer items and a token, as services do. */
#ifndef ICE_SIM_LIST_H
#define ICE_SIM_LIST_H

#include "sim/param.h"
#include "sim/token.h"
#include "sim/world.h"

#define SIM_LIST_MAX      100
#define SIM_LIST_DEFAULT  10
#define SIM_LIST_RANGE_S  (INT64_C(30) * 86400)
#define SIM_LIST_SCAN_MAX 20000 /* jobs looked at for one page */

/* All texts borrowed; NULL means no filter. */
struct sim_list_query {
    const char *status;
    const char *job_type;
    const char *keyword;
    const char *project;
    const char *master;
    int64_t start_s, end_s; /* CreateTime, both included */
    bool ascending;
    int max;
    bool resumes;
    struct sim_token after; /* if it resumes */
};

/* From request parameters; now_ms is simulated, real_s the wall clock's time. 0, or -1 with `err`
 * naming the parameter that is not valid. */
int sim_list_parse(const struct sim_params *params, int64_t now_ms, int64_t real_s,
                   struct sim_list_query *q, struct err *err) ICE_MUST_CHECK;

struct sim_list_page {
    struct buf items; /* objects with commas between them */
    int count;
    bool more;
    struct sim_token next; /* if more */
};

/* 0 or -1 (no memory). The caller frees page->items in both cases. */
int sim_list_page(const struct sim_world *w, const struct sim_list_query *q, int64_t now_ms,
                  struct sim_list_page *page) ICE_MUST_CHECK;

#endif
