/* Who may keep pages of a job's files, and the first of them.
 *
 * The first reader of a settled file gets its pages with the answer to OPEN: what would be asked
 * for next is in the kernel already, and a READ is saved. Storing a page waits for the page's lock,
 * which a READ of it holds until a worker has answered that. The worker that stores must therefore
 * be the only one who could let anybody read the file: while it does, nobody else has it open, and
 * each OPEN of it waits (held_open). A change that comes meanwhile finds the job in use and drops
 * the pages afterwards. A control group counts such pages as the daemon's; they are the first to go
 * when its memory is short. */
#include "base/clock.h"
#include "fs/fs_private.h"
#include "fs/held.h"
#include <errno.h>
#include <time.h>

#define FILL_MAX     ((size_t)32 << 10) /* of longer files often only a part is read */
#define FILL_WAIT_MS 1000               /* longer than another's system call lasts */
#define FILL_LOOK_NS 50000

static void close_one(struct fs *fs, uint64_t ino, enum cache_hold hold)
{
    if (cache_close(fs->config.cache, node_key(ino), hold))
        updater_unpinned(fs->updater, node_key(ino));
}

static void fill(struct fs *fs, uint64_t ino, const struct job *job)
{
    const struct job_field *f = job ? job_find_number(job, node_number(ino)) : NULL;
    if (f && f->len > 0 && f->len <= FILL_MAX)
        kernel_store(fs, ino, f->data, f->len);
    close_one(fs, ino, CACHE_FILLING);
}

/* Somebody else fills: for moments. */
static enum held_turn await_turn(struct fs *fs, uint64_t ino)
{
    const struct timespec look = {.tv_nsec = FILL_LOOK_NS};
    int64_t until_ms = clock_mono_ms() + FILL_WAIT_MS;
    enum held_turn turn;
    do {
        nanosleep(&look, NULL);
        turn = held_open(fs->held, ino);
    } while (turn == HELD_BUSY && clock_mono_ms() < until_ms);
    return turn;
}

int pages_open(struct fs *fs, struct handle *h, const struct job *job)
{
    struct job *current;
    enum held_turn turn = held_open(fs->held, h->ino);
    if (turn == HELD_BUSY)
        turn = await_turn(fs, h->ino);
    if (turn == HELD_BUSY)
        return EIO;
    enum cache_hold hold =
        cache_open(fs->config.cache, node_key(h->ino), turn == HELD_FILL, &current);
    if (hold == CACHE_FILLING)
        fill(fs, h->ino, current);
    if (turn == HELD_FILL)
        held_filled(fs->held, h->ino, hold == CACHE_FILLING);
    h->direct = hold == CACHE_PINNED;
    h->job = h->direct ? job_ref(job) : current;
    h->checked_ms = clock_mono_ms();
    return 0;
}

void pages_close(struct fs *fs, const struct handle *h)
{
    held_close(fs->held, h->ino);
    close_one(fs, h->ino, h->direct ? CACHE_PINNED : CACHE_KEPT);
}
