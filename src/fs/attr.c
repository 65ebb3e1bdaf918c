#include "base/clock.h"
#include "fs/fs_private.h"
#include "fs/view.h"
#include <string.h>

#define BLOCK_SIZE 4096
#define SECTOR     512

static struct timespec to_timespec(int64_t ns)
{
    struct timespec t = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    if (t.tv_nsec < 0) { /* before 1970: tv_nsec is never negative */
        t.tv_sec--;
        t.tv_nsec += NS_PER_S;
    }
    return t;
}

static void fill(const struct fs *fs, uint64_t ino, mode_t mode, int64_t mtime_ns, int64_t ctime_ns,
                 struct stat *st)
{
    memset(st, 0, sizeof *st);
    st->st_ino = ino;
    st->st_mode = (mode & S_IFMT) | (mode & 0777 & ~fs->config.umask);
    st->st_nlink = 1; /* for a directory: "not counted"; find(1) understands it */
    st->st_uid = fs->config.uid;
    st->st_gid = fs->config.gid;
    st->st_blksize = BLOCK_SIZE;
    st->st_mtim = to_timespec(mtime_ns);
    st->st_atim = st->st_mtim;
    st->st_ctim = to_timespec(ctime_ns);
}

void attr_dir(const struct fs *fs, uint64_t ino, int64_t mtime_ns, int64_t ctime_ns,
              struct stat *st)
{
    fill(fs, ino, S_IFDIR | 0555, mtime_ns, ctime_ns, st);
}

void attr_file(const struct fs *fs, uint64_t ino, size_t size, int64_t mtime_ns, int64_t ctime_ns,
               struct stat *st)
{
    fill(fs, ino, S_IFREG | 0444, mtime_ns, ctime_ns, st);
    st->st_size = (off_t)size;
    st->st_blocks = (blkcnt_t)((size + SECTOR - 1) / SECTOR);
}

void attr_fixed(struct fs *fs, const struct fixed_entry *node, struct stat *st)
{
    if (attr_events(fs, node->node, st))
        return;
    if (node->node == NODE_JOBS_TSV) {
        attr_tsv(fs, NULL, st);
        return;
    }
    if (node->is_dir) {
        int64_t when = node->node == NODE_JOBS ? atomic_load(&fs->jobs_mtime_ns) : fs->born_ns;
        attr_dir(fs, node->node, when, when, st);
        return;
    }
    struct buf text CLEANUP_BUF = BUF_INIT(META_MAX);
    int64_t when = clock_real_ns();
    int rc = fs->config.fastcache ? meta_recent(fs, node->node, &text, &when)
                                  : meta_render(fs, node->node, &text);
    if (node->node == NODE_HELP)
        when = fs->born_ns;
    attr_file(fs, node->node, rc == 0 ? text.len : 0, when, when, st);
}

void attr_group(const struct fs *fs, uint64_t ino, struct stat *st)
{
    attr_dir(fs, ino, fs->born_ns, fs->born_ns, st);
}

static void attr_link(const struct fs *fs, uint64_t ino, const struct job_facts *facts,
                      struct stat *st)
{
    fill(fs, ino, S_IFLNK, facts->mtime_ns, facts->ctime_ns, st);
    st->st_mode = S_IFLNK | 0777; /* as symlink(7) has it: never asked */
    st->st_size = (off_t)(strlen(VIEW_LINK_PREFIX) + strlen(facts->id));
}

void attr_facts(const struct fs *fs, uint64_t ino, const struct job_facts *facts, struct stat *st)
{
    if (node_is_link(ino))
        attr_link(fs, ino, facts, st);
    else
        attr_dir(fs, ino, facts->mtime_ns, facts->ctime_ns, st);
}

bool attr_job(const struct fs *fs, uint64_t ino, const struct job *job, struct stat *st)
{
    uint16_t number = node_number(ino);
    if (number <= NODE_LINKS) {
        attr_facts(fs, ino, job_facts_of(job), st);
        return true;
    }
    const struct job_field *f = job_find_number(job, number);
    if (!f)
        return false;
    attr_file(fs, ino, f->len, f->mtime_ns, f->ctime_ns, st);
    return true;
}

double attr_timeout_facts(const struct job_facts *facts)
{
    return job_facts_final(facts) ? KERNEL_FOREVER : 1;
}

double attr_timeout(const struct cache_answer *a)
{
    if (a->fresh_for_ms == INT64_MAX)
        return KERNEL_FOREVER;
    return a->fresh_for_ms > 0 ? (double)a->fresh_for_ms / (double)MS_PER_S : 0;
}
