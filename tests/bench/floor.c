/* What a FUSE file system costs at the least: the floor that the benchmark compares with.
 *
 *   floor tree MOUNTPOINT FOLDER < NAMES     shows a copy of FOLDER, held in memory
 *   floor calls MOUNTPOINT URL CA < NAMES    shows NAME/status; its content is the beginning of the
 *                                            body of URL NAME, fetched when first looked at
 *
 * One thread serves the kernel and libcurl, and waits awake for a moment before it sleeps. Nothing
 * is signed, parsed, compared, bounded, kept or told of, no wait has a deadline, and nothing ever
 * changes: so the kernel keeps all names and attributes, and pages but for the files in folders
 * with the NAMES of a tree, which are opened directly, as jobs that can change have to be. The
 * first reader of a file that is kept gets its pages with the answer to OPEN. Ends when it is
 * unmounted. */
#define FUSE_USE_VERSION 314
#include "base/attr.h"
#include "base/clock.h"
#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NODES_MAX  ((size_t)1 << 19)
#define NAMES_MAX  ((size_t)1 << 18)
#define PATH_SIZE  4096
#define SHOWN      16 /* bytes of a body */
#define IN_FLIGHT  16
#define AT_A_TIME  16 /* requests of the kernel's, before libcurl has its turn */
#define AWAKE_NS   INT64_C(50000)
#define SLEEP_MS   1000
#define FOR_EVER_S 1e9

/* Children stand next to each other, by name. A node's number in the kernel is its place, and 1. */
struct node {
    char *name, *data;
    size_t len, first, n;
    bool is_dir, direct, stored;
    bool unknown;       /* a folder whose only child has no content yet */
    fuse_req_t waiting; /* for that */
};

static struct node nodes[NODES_MAX];
static char *names[NAMES_MAX];
static size_t n_nodes, n_names;

static const char *url_base;
static struct fuse_session *session;
static CURLM *multi;
static CURL *idle[IN_FLIGHT];
static size_t n_idle, queue[NODES_MAX], queue_first, queue_end;

struct fetch {
    struct node *dir;
    char text[SHOWN];
    size_t len;
};

static struct node *node_of(fuse_ino_t ino)
{
    return &nodes[ino - 1];
}

static struct stat stat_of(const struct node *n)
{
    return (struct stat){.st_ino = (ino_t)(n - nodes) + 1,
                         .st_mode = n->is_dir ? S_IFDIR | 0555 : S_IFREG | 0444,
                         .st_nlink = 1,
                         .st_size = (off_t)n->len,
                         .st_mtime = 1};
}

/* ---- the tree ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_names(void)
{
    char line[PATH_SIZE];
    while (n_names < NAMES_MAX && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        names[n_names++] = strdup(line);
    }
    qsort(names, n_names, sizeof *names, by_text);
}

static bool is_named(const char *name)
{
    return bsearch(&name, names, n_names, sizeof *names, by_text) != NULL;
}

static struct node *add(struct node *dir, const char *name, bool is_dir)
{
    struct node *n = n_nodes < NODES_MAX ? &nodes[n_nodes++] : NULL;
    if (!n)
        exit(3);
    *n = (struct node){.name = strdup(name), .is_dir = is_dir, .direct = dir && dir->direct};
    if (dir && dir->n++ == 0)
        dir->first = (size_t)(n - nodes);
    return n;
}

static void load(struct node *n, const char *path)
{
    struct stat st;
    FILE *f = fopen(path, "re");
    if (!f || fstat(fileno(f), &st) < 0)
        exit(3);
    n->data = malloc((size_t)st.st_size + 1);
    n->len = fread(n->data, 1, (size_t)st.st_size, f);
    fclose(f);
}

static int is_shown(const struct dirent *e)
{
    bool of_itself = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    return !of_itself && (e->d_type == DT_DIR || e->d_type == DT_REG);
}

static void add_folder(struct node *dir, const char *path)
{
    struct dirent **list;
    int n = scandir(path, &list, is_shown, alphasort);
    if (n < 0)
        exit(3);
    for (int i = 0; i < n; i++) {
        struct node *child = add(dir, list[i]->d_name, list[i]->d_type == DT_DIR);
        child->direct |= is_named(child->name);
        free(list[i]);
    }
    free(list);
}

static void fill(struct node *dir, const char *path)
{
    add_folder(dir, path);
    for (size_t i = dir->first; i < dir->first + dir->n; i++) {
        char below[PATH_SIZE];
        if (snprintf(below, sizeof below, "%s/%s", path, nodes[i].name) >= (int)sizeof below)
            exit(3);
        if (nodes[i].is_dir)
            fill(&nodes[i], below);
        else
            load(&nodes[i], below);
    }
}

static void add_calls(struct node *root)
{
    for (size_t i = 0; i < n_names; i++)
        add(root, names[i], true)->unknown = true;
    for (size_t i = root->first; i < root->first + root->n; i++)
        add(&nodes[i], "status", false);
}

/* ---- calls ---- */

static size_t keep(char *data, size_t size, size_t n, void *arg)
{
    struct fetch *f = arg;
    size_t room = SHOWN - f->len, more = size * n < room ? size * n : room;
    memcpy(f->text + f->len, data, more);
    f->len += more;
    return size * n;
}

static void make_handles(const char *ca)
{
    multi = curl_multi_init();
    while (n_idle < IN_FLIGHT) {
        CURL *easy = curl_easy_init();
        struct fetch *f = calloc(1, sizeof *f);
        curl_easy_setopt(easy, CURLOPT_PRIVATE, f);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, f);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        if (ca[0])
            curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
        idle[n_idle++] = easy;
    }
}

static struct fetch *fetch_of(CURL *easy)
{
    char *private = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    return (struct fetch *)(void *)private;
}

static void begin(struct node *dir)
{
    char url[PATH_SIZE];
    CURL *easy = idle[--n_idle];
    *fetch_of(easy) = (struct fetch){.dir = dir};
    snprintf(url, sizeof url, "%s%s", url_base, dir->name);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_multi_add_handle(multi, easy);
}

static void answer(const struct fetch *f, bool good)
{
    struct node *file = &nodes[f->dir->first];
    struct stat st = stat_of(f->dir);
    if (good) {
        file->data = malloc(SHOWN);
        memcpy(file->data, f->text, f->len);
        file->len = f->len;
        f->dir->unknown = false;
        fuse_reply_attr(f->dir->waiting, &st, FOR_EVER_S);
    } else {
        fuse_reply_err(f->dir->waiting, EIO);
    }
    f->dir->waiting = NULL;
}

/* Whether anything was to be done. */
static bool serve_calls(void)
{
    int running, left;
    bool any = false;
    curl_multi_perform(multi, &running);
    for (CURLMsg *m; (m = curl_multi_info_read(multi, &left)) != NULL; any = true) {
        CURL *easy = m->easy_handle;
        bool good = m->data.result == CURLE_OK;
        curl_multi_remove_handle(multi, easy);
        idle[n_idle++] = easy;
        answer(fetch_of(easy), good);
    }
    for (; n_idle > 0 && queue_first < queue_end; any = true)
        begin(&nodes[queue[queue_first++]]);
    return any;
}

/* ---- requests ---- */

static struct fuse_entry_param entry_of(const struct node *n)
{
    struct stat st = stat_of(n);
    return (struct fuse_entry_param){.ino = st.st_ino,
                                     .attr = st,
                                     .entry_timeout = FOR_EVER_S,
                                     .attr_timeout = n->unknown ? 0 : FOR_EVER_S};
}

static int by_name(const void *key, const void *node)
{
    return strcmp(key, ((const struct node *)node)->name);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    const struct node *dir = node_of(parent);
    const struct node *n = bsearch(name, &nodes[dir->first], dir->n, sizeof *nodes, by_name);
    struct fuse_entry_param e = {0};
    if (n)
        e = entry_of(n);
    else
        e.entry_timeout = FOR_EVER_S;
    fuse_reply_entry(req, &e);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct node *n = node_of(ino);
    struct stat st = stat_of(n);
    (void)fi;
    if (!n->unknown) {
        fuse_reply_attr(req, &st, FOR_EVER_S);
    } else if (n->waiting || queue_end == NODES_MAX) {
        fuse_reply_err(req, EBUSY); /* one reader a name */
    } else {
        n->waiting = req;
        queue[queue_end++] = (size_t)(n - nodes);
    }
}

static void store(struct node *n, fuse_ino_t ino)
{
    struct fuse_bufvec pages = {.count = 1, .buf[0] = {.size = n->len, .mem = n->data}};
    n->stored =
        n->len == 0 || fuse_lowlevel_notify_store(session, ino, 0, &pages, FUSE_BUF_NO_SPLICE) == 0;
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct node *n = node_of(ino);
    if (!n->direct && !n->stored)
        store(n, ino);
    fi->direct_io = n->direct;
    fi->keep_cache = !n->direct;
    fi->noflush = 1;
    fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                    struct fuse_file_info *fi)
{
    const struct node *n = node_of(ino);
    size_t at = (size_t)off < n->len ? (size_t)off : n->len;
    (void)fi;
    fuse_reply_buf(req, n->data + at, n->len - at < size ? n->len - at : size);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    (void)fi;
    fuse_reply_err(req, 0);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    fi->cache_readdir = 1;
    fi->keep_cache = 1;
    fuse_reply_open(req, fi);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                           struct fuse_file_info *fi)
{
    static char bytes[1 << 20];
    const struct node *dir = node_of(ino);
    size_t used = 0, room = size < sizeof bytes ? size : sizeof bytes;
    (void)fi;
    for (size_t i = (size_t)off; i < dir->n; i++) {
        const struct node *n = &nodes[dir->first + i];
        struct fuse_entry_param e = entry_of(n);
        size_t more =
            fuse_add_direntry_plus(req, bytes + used, room - used, n->name, &e, (off_t)i + 1);
        if (more > room - used)
            break;
        used += more;
    }
    fuse_reply_buf(req, bytes, used);
}

static const struct fuse_lowlevel_ops ops = {
    .lookup = op_lookup,
    .getattr = op_getattr,
    .open = op_open,
    .read = op_read,
    .release = op_release,
    .opendir = op_opendir,
    .releasedir = op_release,
    .readdirplus = op_readdirplus,
};

/* ---- serving ---- */

/* As serve_calls; -1: it is over. */
static int serve_kernel(struct fuse_buf *buf)
{
    int served = 0;
    while (served < AT_A_TIME) {
        int n = fuse_session_receive_buf(session, buf);
        if (n == -EAGAIN || n == -EINTR)
            return served;
        if (n <= 0)
            return -1;
        fuse_session_process_buf(session, buf);
        served++;
    }
    return served;
}

static void sleep_until_something(void)
{
    struct curl_waitfd kernel = {.fd = fuse_session_fd(session), .events = CURL_WAIT_POLLIN};
    curl_multi_poll(multi, &kernel, 1, SLEEP_MS, NULL);
}

static void serve(void)
{
    struct fuse_buf buf = {0};
    int64_t busy_ns = clock_mono_ns();
    for (int served; (served = serve_kernel(&buf)) >= 0;) {
        bool any = serve_calls() || served > 0;
        int64_t now_ns = clock_mono_ns();
        if (any)
            busy_ns = now_ns;
        else if (now_ns - busy_ns >= AWAKE_NS)
            sleep_until_something();
    }
    free(buf.mem);
}

static int mount_at(const char *point)
{
    char name[] = "floor", flag[] = "-o";
    char options[] = "ro,default_permissions,allow_other,fsname=floor";
    char *args[] = {name, flag, options, NULL};
    struct fuse_args all = FUSE_ARGS_INIT(ARRAY_LEN(args) - 1, args);
    session = fuse_session_new(&all, &ops, sizeof ops, NULL);
    fuse_opt_free_args(&all);
    if (!session || fuse_session_mount(session, point) < 0)
        return -1;
    int fd = fuse_session_fd(session);
    return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int main(int argc, char **argv)
{
    bool calls = argc == 5 && strcmp(argv[1], "calls") == 0;
    if (!calls && (argc != 4 || strcmp(argv[1], "tree") != 0)) {
        fprintf(stderr, "usage: floor tree MOUNTPOINT FOLDER; floor calls MOUNTPOINT URL CA\n");
        return 2;
    }
    read_names();
    struct node *root = add(NULL, "", true);
    url_base = argv[3];
    make_handles(calls ? argv[4] : "");
    if (calls)
        add_calls(root);
    else
        fill(root, argv[3]);
    if (mount_at(argv[2]) < 0)
        return 1;
    serve();
    fuse_session_unmount(session);
    fuse_session_destroy(session);
    return 0;
}
