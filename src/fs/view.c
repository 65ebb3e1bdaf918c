#include "fs/view.h"
#include <stdio.h>

static uint64_t group_by_status(const struct job_facts *facts)
{
    return node_of_status((enum job_status)facts->status);
}

static uint64_t group_by_project(const struct job_facts *facts)
{
    return node_of_project(facts->project);
}

static uint64_t group_by_date(const struct job_facts *facts)
{
    return node_of_date(facts->create_s); /* JOB_NO_TIME is long before 1970 */
}

static uint64_t status_named(const char *name)
{
    const struct fixed_entry *node = fixed_find(NODE_BY_STATUS, name);
    return node ? (uint64_t)node->node : NODE_NONE;
}

const struct view views[VIEWS] = {
    [VIEW_STATUS] = {NODE_BY_STATUS, 1, true, group_by_status, status_named},
    [VIEW_PROJECT] = {NODE_BY_PROJECT, 2, false, group_by_project, node_of_project},
    [VIEW_DATE] = {NODE_BY_DATE, 3, false, group_by_date, node_date_named},
};

uint64_t view_label(const struct job_facts *facts, unsigned view)
{
    return views[view].group(facts);
}

unsigned view_of_dir(uint64_t ino)
{
    unsigned view = 0;
    while (view < VIEWS && (uint64_t)views[view].dir != ino)
        view++;
    return view;
}

unsigned view_of_group(uint64_t ino)
{
    if (status_of_node(ino) != JOB_STATUS_OTHER)
        return VIEW_STATUS;
    if (node_is_project(ino))
        return VIEW_PROJECT;
    return node_is_date(ino) ? VIEW_DATE : VIEWS;
}

unsigned view_of_link(uint64_t ino)
{
    return node_number(ino) - 1U;
}

void view_group_name(unsigned view, const struct job_facts *facts, char out[NAME_MAX + 1])
{
    uint64_t ino = view_label(facts, view);
    if (view == VIEW_PROJECT)
        snprintf(out, NAME_MAX + 1, "%s", facts->project);
    else if (view == VIEW_DATE)
        node_date_name(ino, out);
    else
        snprintf(out, NAME_MAX + 1, "%s", fixed_get(ino)->name);
}
