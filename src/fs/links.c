#include "fs/links.h"
#include "fs/fs_private.h"
#include "fs/groups.h"
#include "fs/held.h"
#include "fs/stage.h"
#include "fs/tell.h"
#include <stdio.h>

struct links links_begin(struct fs *fs, uint64_t key, const char *id,
                         const struct job_facts *before, const struct job_facts *after)
{
    struct links l = {.fs = fs, .key = key, .id = id, .after = after};
    for (unsigned view = 0; view < VIEWS; view++) {
        uint64_t place = before ? groups_place(fs->groups, view, before) : NODE_NONE;
        stage_link_hold(fs->stage, key, view, place);
        l.from[view] = stage_link_at(fs->stage, key, view, place);
    }
    return l;
}

void links_free(struct fs *fs, uint64_t key)
{
    for (unsigned view = 0; view < VIEWS; view++)
        stage_link_free(fs->stage, key, view);
}

/* ---- groups ---- */

static const char *dir_name(unsigned view)
{
    return fixed_get(views[view].dir)->name;
}

static void drop_group(struct fs *fs, unsigned view, const char *name)
{
    if (!held_has(fs->held, views[view].dir))
        return;
    kernel_drop_name(fs, views[view].dir, name);
    kernel_drop_attributes(fs, views[view].dir);
}

/* false: it cannot be. */
static bool open_group(const struct links *l, unsigned view, uint64_t group)
{
    struct fs *fs = l->fs;
    char name[NAME_MAX + 1];
    if (groups_has(fs->groups, group))
        return true;
    view_group_name(view, l->after, name);
    if (held_has(fs->held, views[view].dir) &&
        tell(fs, NOTIFY_MKDIR, tell_path(dir_name(view), name, NULL).text, NULL))
        return true;
    bool shown = groups_show(fs->groups, group, name);
    drop_group(fs, view, name);
    return shown;
}

static void close_group(struct fs *fs, unsigned view, uint64_t group)
{
    char name[NAME_MAX + 1];
    if (views[view].lasting || !groups_name(fs->groups, group, name))
        return;
    if (held_has(fs->held, views[view].dir) &&
        tell(fs, NOTIFY_RMDIR, tell_path(dir_name(view), name, NULL).text, NULL))
        return;
    groups_hide(fs->groups, group);
    drop_group(fs, view, name);
}

/* ---- links ---- */

static struct tell_path link_path(const struct links *l, unsigned view, uint64_t group)
{
    char name[NAME_MAX + 1] = "";
    groups_name(l->fs->groups, group, name);
    return tell_path(dir_name(view), name, l->id);
}

static bool tell_link(const struct links *l, unsigned view, uint64_t from, uint64_t to)
{
    if (from == NODE_NONE) {
        char target[VIEW_LINK_MAX];
        snprintf(target, sizeof target, "%s%s", VIEW_LINK_PREFIX, l->id);
        return tell(l->fs, NOTIFY_SYMLINK, link_path(l, view, to).text, target);
    }
    if (to == NODE_NONE)
        return tell(l->fs, NOTIFY_UNLINK, link_path(l, view, from).text, NULL);
    return tell(l->fs, NOTIFY_RENAME, link_path(l, view, from).text, link_path(l, view, to).text);
}

static bool group_held(const struct links *l, uint64_t group)
{
    return group != NODE_NONE && held_has(l->fs->held, group);
}

static void drop_link(const struct links *l, uint64_t group)
{
    if (group_held(l, group)) {
        kernel_drop_name(l->fs, group, l->id);
        kernel_drop_attributes(l->fs, group);
    }
}

static void move_link(const struct links *l, unsigned view, uint64_t from, uint64_t to)
{
    struct fs *fs = l->fs;
    stage_link_plan(fs->stage, l->key, view, to);
    if (!(group_held(l, from) || group_held(l, to)) || !tell_link(l, view, from, to)) {
        stage_link_move(fs->stage, l->key, view, from, to);
        /* The new place first: for a moment the kernel knows both, and never neither. */
        drop_link(l, to);
        drop_link(l, from);
    }
    groups_count(fs->groups, to, 1);
    if (from != NODE_NONE && groups_count(fs->groups, from, -1) == 0)
        close_group(fs, view, from);
}

static uint64_t destination(const struct links *l, unsigned view)
{
    uint64_t to = l->after ? groups_place(l->fs->groups, view, l->after) : NODE_NONE;
    return to != NODE_NONE && open_group(l, view, to) ? to : NODE_NONE;
}

void links_follow(struct fs *fs, uint64_t key, const char *id, const struct job_facts *facts)
{
    const struct links l = {.fs = fs, .key = key, .id = id, .after = facts};
    for (unsigned view = 0; view < VIEWS; view++)
        drop_link(&l, destination(&l, view));
    for (uint64_t group = NODE_INIT; group <= NODE_FAILED; group++)
        drop_link(&l, group);
}

void links_move(const struct links *l)
{
    for (unsigned view = 0; view < VIEWS; view++) {
        uint64_t from = l->from[view], to = destination(l, view);
        if (from != to)
            move_link(l, view, from, to);
        if (l->after)
            stage_link_free(l->fs->stage, l->key, view);
    }
}
