/* Links in the views as readers find them: a link stands where the last operation of the notifier
 * put it (fs/stage.h), else where its job's facts put it. */
#include "fs/fs_private.h"
#include "fs/groups.h"
#include "fs/stage.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

bool view_has(struct fs *fs, uint64_t group, uint64_t key, const struct job_facts *facts)
{
    unsigned view = view_of_group(group);
    uint64_t place = groups_place(fs->groups, view, facts);
    return stage_link_at(fs->stage, key, view, place) == group;
}

struct job_facts *view_find(struct fs *fs, uint64_t group, const char *name, uint64_t *key)
{
    struct job_facts *facts = cache_find(fs->config.cache, name, key);
    if (!facts || view_has(fs, group, *key, facts))
        return facts;
    job_facts_unref(facts);
    return NULL;
}

/* ---- listed ---- */

/* Add the jobs whose link is held in this group and that belong elsewhere by now. */
static int add_held(struct fs *fs, uint64_t group, const uint64_t *keys, size_t n,
                    struct cache_row **rows, size_t *n_rows)
{
    unsigned view = view_of_group(group);
    struct cache_row *more = n ? realloc(*rows, (*n_rows + n) * sizeof *more) : *rows;
    if (n && !more)
        return -1;
    *rows = more;
    for (size_t i = 0; i < n; i++) {
        struct job_facts *facts = cache_facts(fs->config.cache, keys[i]);
        if (facts && view_label(facts, view) != group)
            more[(*n_rows)++] = (struct cache_row){.key = keys[i], .facts = facts};
        else
            job_facts_unref(facts);
    }
    return 0;
}

int view_list(struct fs *fs, uint64_t group, struct cache_row **rows, size_t *n)
{
    unsigned view = view_of_group(group);
    uint64_t *keys CLEANUP_FREE = NULL;
    size_t n_keys = 0;
    *rows = NULL;
    *n = 0;
    if (stage_links_in(fs->stage, view, group, &keys, &n_keys) < 0 ||
        cache_list_group(fs->config.cache, view, group, rows, n) < 0)
        return -1;
    if (add_held(fs, group, keys, n_keys, rows, n) == 0)
        return 0;
    cache_list_free(*rows, *n);
    *rows = NULL;
    *n = 0;
    return -1;
}

/* ---- the text ---- */

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    char id[JOB_ID_MAX + 1], text[VIEW_LINK_MAX];
    if (!node_is_link(ino)) {
        fuse_reply_err(req, EINVAL);
        return;
    }
    if (!cache_id_of(fs_of(req)->config.cache, node_key(ino), id)) {
        fuse_reply_err(req, ESTALE);
        return;
    }
    snprintf(text, sizeof text, "%s%s", VIEW_LINK_PREFIX, id);
    fuse_reply_readlink(req, text);
}
