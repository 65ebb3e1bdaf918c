/* What the files of this room share. */
#ifndef ICE_FS_PRIVATE_H
#define ICE_FS_PRIVATE_H

#define FUSE_USE_VERSION 314
#include "base/buf.h"
#include "cache/cache.h"
#include "fs/node.h"
#include "fs/session.h"
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

struct bell;
struct events;
struct events_reader;
struct events_watch;
struct groups;
struct held;
struct stage;
struct tsv;
struct tsv_version;
struct updater;
struct workers;

/* What a file of .icejobfs was a moment ago. */
struct meta_text {
    struct buf text;
    int64_t when_ns;
};

struct fs {
    struct fs_config config; /* its texts are copies */
    struct fuse_session *session;
    struct updater *updater;
    struct workers *workers;
    struct held *held;
    struct stage *stage;
    struct groups *groups;
    struct events *events;
    struct tsv *tsv;
    struct bell *bell; /* NULL: changes are shown silently */
    dev_t device;      /* of the mount, as stat(2) shows it */
    /* The updater's thread alone: */
    int64_t pace_begin_ms;
    unsigned pace_count;
    int64_t watchers_next_ms;
    bool system_mode; /* the kernel keeps users from writing, and checks permissions */
    int private_fd;   /* system mode: the detached writable mount, -1 once it is dropped */
    int mount_id;     /* of the users' mount, as in /proc/self/mountinfo */
    bool mounted;
    int64_t born_ns;
    _Atomic int64_t jobs_mtime_ns; /* when the listing of jobs/ changed last */
    _Atomic uint64_t listing_told; /* cache_generation of which the kernel has been told */
    pthread_mutex_t meta_lock;     /* protects meta */
    struct meta_text meta[NODE_HELP - NODE_METRICS + 1];
};

/* ---- attributes (attr.c)
 * ------------------------------------------------------------------------------ */

void attr_dir(const struct fs *fs, uint64_t ino, int64_t mtime_ns, int64_t ctime_ns,
              struct stat *st);
void attr_file(const struct fs *fs, uint64_t ino, size_t size, int64_t mtime_ns, int64_t ctime_ns,
               struct stat *st);
/* A fixed node; a file's size is that of its content now. */
void attr_fixed(struct fs *fs, const struct fixed_entry *node, struct stat *st);
/* A job's directory, or one of its links: of these nothing but the facts is needed. */
void attr_facts(const struct fs *fs, uint64_t ino, const struct job_facts *facts, struct stat *st);
/* A node of a job: of those, or a field. false: the snapshot has no such field. */
bool attr_job(const struct fs *fs, uint64_t ino, const struct job *job, struct stat *st);
/* A directory of a view, such as by-date/2026-03-01. */
void attr_group(const struct fs *fs, uint64_t ino, struct stat *st);

/* Seconds for the kernel's caches: what explicit invalidation ends, and what ends with the
 * content's age. */
#define KERNEL_FOREVER 1e9
double attr_timeout(const struct cache_answer *a);
/* Of a directory or a link, whose changes are told by invalidation; of an unfinished job the kernel
 * asks again, so that we know who is in use, and for what was read just before its change. */
double attr_timeout_facts(const struct job_facts *facts);

/* ---- who may (access.c)
 * ------------------------------------------------------------------------------- */

/* User mode has no default_permissions, so the daemon holds uid, gid and umask itself: 0 or EACCES.
 * The notifier may go everywhere. */
int access_check(struct fs *fs, fuse_req_t req, bool is_dir, int mask);

/* ---- requests that wait (park.c)
 * ----------------------------------------------------------------------- */

struct parked;
typedef void resume_fn(struct parked *p, const struct cache_answer *a);

struct parked {
    struct cache_waiter waiter; /* first: the cache gives it back */
    struct fs *fs;
    fuse_req_t req;
    resume_fn *resume; /* answers the request; `a->job` is borrowed */
    uint64_t ino;
    struct fuse_file_info fi; /* open, opendir, read */
    size_t size;
    off_t offset;
};

/* Ask the cache for the job of `p->ino` on behalf of p->req. The template is copied if the request
 * has to wait; `resume` is called exactly once, now or later, unless the request is interrupted or
 * fails (it is answered then). */
void park_or_resume(const struct parked *p);

/* ---- open files (handle.c)
 * ----------------------------------------------------------------------------- */

/* An open file or directory. `lock` protects job and the flags below it; nothing is called while it
 * is held. */
struct handle {
    struct handle *prev, *next; /* all open ones */
    atomic_uint refs;           /* the open file's, and each reply's that is made of its text */
    pthread_mutex_t lock;
    uint64_t ino;
    struct job *job; /* field: the pinned version; job directory: the version being listed */
    struct job
        *beside;   /* job directory: the other version, while a change is being shown; or NULL */
    bool outdated; /* job directory: what is being listed is not what is shown any more */
    bool direct;   /* pinned (direct_io); else the kernel keeps pages of a settled file */
    bool was_read;
    int64_t checked_ms;     /* when the content was last made sure of */
    struct buf text;        /* fixed file: its content at open */
    struct cache_row *rows; /* jobs/, or a group: the listing */
    size_t n_rows;
    struct group_row *groups; /* a view: the listing */
    size_t n_groups;
    struct tsv_version *tsv;      /* jobs.tsv: the version that was opened */
    uint64_t log_base;            /* events.log: events_read_log's */
    struct events_reader *reader; /* events */
    struct events_watch *watch; /* events: who is told when it can be read, for poll(2); or NULL */
};

struct handle *handle_new(uint64_t ino);
/* For a reply: whoever has got it may close the file, and the RELEASE be served, before the write
 * of the reply has come back. */
void handle_ref(struct handle *h);
/* Drop a reference; the last one frees it. NULL is nothing. */
void handle_free(struct handle *h);
struct handle *handle_of(const struct fuse_file_info *fi);
/* After the last request: close those that the kernel has not, for a connection can end before it
 * does. */
void handles_close(struct fs *fs);
/* The handle of a file is closed: unpin its job (settling it if that was the last pin), free. */
void handle_close(struct fs *fs, struct handle *h);

/* The part of a text that a READ asks for. (ops_file.c) */
void reply_slice(fuse_req_t req, const char *data, size_t len, size_t size, off_t off);
/* The same of the field of p->ino, nothing where the job has no such field. */
void reply_job_slice(struct parked *p, const struct job *job);

/* A READ of a file that the kernel has opened by itself. (bare.c) */
void bare_op_read(fuse_req_t req, uint64_t ino, size_t size, off_t off);

/* ---- which version an open file of a job shows, and whether the kernel keeps pages (pages.c)
 * ---- */

/* Fills in what the handle shows: `job`, or the last version of a settled job, whatever was current
 * a moment ago. 0, or an errno. */
int pages_open(struct fs *fs, struct handle *h, const struct job *job);
void pages_close(struct fs *fs, const struct handle *h);

/* ---- events and events.log (ops_events.c)
 * ------------------------------------------------------------------------------------ */

/* Answers an OPEN of either; the access has been checked. */
void events_op_open(struct parked *p);
/* `flags` are those of the READ: fcntl(2) may have changed O_NONBLOCK since the open. */
void events_op_read(fuse_req_t req, struct fs *fs, struct handle *h, size_t size, off_t off,
                    int flags);
/* events.log; `h` NULL: without an open file, of the log of now. */
void events_op_read_log(fuse_req_t req, struct fs *fs, struct handle *h, size_t size, off_t off);
/* Of any file: but for the stream all are always ready. */
void events_op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
                    struct fuse_pollhandle *ph);
/* The handle of either is closed: free it and what belongs to it. */
void events_op_close(struct fs *fs, struct handle *h);
/* false: `ino` is neither. */
bool attr_events(struct fs *fs, uint64_t ino, struct stat *st);

/* ---- jobs.tsv (ops_tsv.c)
 * ------------------------------------------------------------------------------------ */

/* Answers an OPEN; the access has been checked. */
void tsv_op_open(struct parked *p);
void tsv_op_read(fuse_req_t req, const struct handle *h, size_t size, off_t off);
/* Without an open file: of the version of now. */
void tsv_op_read_bare(struct parked *p);
/* Of the file, or of the version that a handle has (`fi` may be NULL). */
void attr_tsv(struct fs *fs, const struct fuse_file_info *fi, struct stat *st);

/* ---- files of .icejobfs (meta.c)
 * ------------------------------------------------------------------------ */

#define META_MAX ((size_t)1 << 20) /* bytes of one such file */

/* Append the content of a fixed file. 0 or -1. */
int meta_render(struct fs *fs, enum fixed_node node, struct buf *out);
/* The same, but of at most a second ago: for who reads without an open file, so that a size and
 * what is read a moment later are of one text. `*when_ns`: when it was made. */
int meta_recent(struct fs *fs, enum fixed_node node, struct buf *out, int64_t *when_ns);

/* Fits cache_listen: `fs` is told of every change. (session.c) */
void fs_listen(void *fs, enum cache_event event, uint64_t key, const char *id,
               const struct job *before, const struct job *after);

/* ---- telling the kernel (kernel.c); the users: fs/publish.h
 * ---------------------------------------- */

/* Give the kernel the whole content of a file, which the file's next READ would ask for; where it
 * does not take it, it asks. Waits for the locks of the file's pages. */
void kernel_store(struct fs *fs, uint64_t ino, const char *data, size_t len);
void kernel_drop_inode(struct fs *fs, uint64_t ino);
void kernel_drop_attributes(struct fs *fs, uint64_t ino);
void kernel_drop_name(struct fs *fs, uint64_t parent, const char *name);

/* One thread that serves no request: notifications wait for directory locks that a request may
 * hold. */
struct updater *updater_new(struct fs *fs, struct err *err);
int updater_start(struct updater *u, struct err *err);
/* Write down that there is something to show. Returns at once; false: no memory. After a job that a
 * reader has named, updater_call: to be told of it in time is not worth that reader's wait. */
bool updater_note(struct updater *u, enum cache_event event, uint64_t key, const char *id);
void updater_call(struct updater *u);
/* A pinned handle of a finished job has been closed: settle it if it was the last one. */
void updater_unpinned(struct updater *u, uint64_t key);
/* Ends the thread; requests must still be served meanwhile. */
void updater_stop(struct updater *u);
void updater_free(struct updater *u);

/* ---- links in the views (views.c) ---- */

/* LOOKUP of a name in a group; the job has its link there now. A reference, or NULL. */
struct job_facts *view_find(struct fs *fs, uint64_t group, const char *name, uint64_t *key);
/* Whether a job of these facts has its link in this group now. */
bool view_has(struct fs *fs, uint64_t group, uint64_t key, const struct job_facts *facts);
/* The jobs whose link may be in this group: view_has tells. 0, or -1 without memory;
 * cache_list_free. */
int view_list(struct fs *fs, uint64_t group, struct cache_row **rows, size_t *n);

/* ---- replies that give out an entry (entry.c) ---- */

/* Counts it as held by the kernel. */
void reply_entry(fuse_req_t req, const struct stat *st, double entry_timeout,
                 double attr_timeout_s);
/* A name that cannot appear, or whose appearance will be told by an event or an invalidation. */
void reply_no_such_name(fuse_req_t req);

/* ---- serving (workers.c)
 * -------------------------------------------------------------------------------- */

struct workers *workers_new(struct fs *fs, struct err *err);
int workers_start(struct workers *w, struct err *err);
/* Readable when the connection has ended (unmounted, aborted). */
int workers_ended_fd(const struct workers *w);
/* The error that ended them, 0 for an unmount. */
int workers_error(const struct workers *w);
/* The request that this thread serves is about to wait for the disk: somebody else listens from now
 * on. Nothing on a thread that is no worker. */
void workers_before_wait(void);
/* The request that this thread serves is left unanswered for now: its asker will not ask again
 * soon. Nothing on a thread that is no worker. */
void workers_left_waiting(void);
void workers_stop(struct workers *w);
void workers_free(struct workers *w);

/* ---- mounting (mount_system.c, mount_user.c, mountinfo.c)
 * -------------------------------------------------- */

/* Returns 0; 1 when this kernel or container has no such calls (`err` says which); -1. Sets up the
 * session's fd. */
int mount_system(struct fs *fs, struct err *err);
int mount_user(struct fs *fs, struct err *err);
/* Take the mount away, lazily if it is busy. */
void mount_undo(struct fs *fs);
/* umount2(2), or fusermount3 where that is not allowed. 0 or -1. */
int unmount_lazily(const char *path);

/* The id of the topmost mount on a path, -1 none; `type` (64 bytes, may be NULL) gets its file
 * system type. */
int mountinfo_top(const char *path, char *type);
/* Whether a mount is in the table. An id alone is another's as soon as its mount has gone. */
bool mountinfo_has(int mount_id, dev_t device);
/* Its device, as stat(2) would show it, without asking the mount. */
dev_t mountinfo_device(int mount_id);
/* 0: `path` is free to be mounted on (a dead mount of ours was removed). -1: it is not a directory,
 * or already mounted. */
int mountpoint_prepare(const char *path, struct err *err);

/* What the session talks through: libfuse before 3.17 knows parallel directory operations and
 * forgets to ask the kernel for them; the answer to INIT gets the bit here. */
int session_set_io(struct fuse_session *se, int fd, struct err *err);

/* ---- callbacks (ops_*.c)
 * ---------------------------------------------------------------------------------- */

extern const struct fuse_lowlevel_ops fs_ops;

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_access(fuse_req_t req, fuse_ino_t ino, int mask);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                    struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
/* The notifier's operations; EROFS for everybody else (ops_notify.c). */
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
              struct fuse_file_info *fi);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
               const char *newname, unsigned int flags);
bool from_notifier(fuse_req_t req);

/* What a look at this node of a job is after. The directory and its links show what lists show. */
static inline enum cache_need node_need(uint64_t ino)
{
    uint16_t number = node_number(ino);
    return number >= JOB_NAME_NUMBER_MIN && job_name_needs_get(number) ? CACHE_NEED_GET
                                                                       : CACHE_NEED_ANY;
}

/* Whether a listing of jobs/ that the kernel keeps shows all that are known. */
static inline bool listing_is_told(struct fs *fs)
{
    return cache_generation(fs->config.cache) == atomic_load(&fs->listing_told);
}

static inline struct fs *fs_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

#endif
