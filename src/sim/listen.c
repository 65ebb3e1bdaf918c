#include "sim/listen.h"
#include "base/attr.h"
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 1024
#define FLAGS   (SOCK_CLOEXEC | SOCK_NONBLOCK)

/* Whether somebody answers at that socket file. */
static bool in_use(const struct sockaddr_un *address)
{
    int CLEANUP_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
}

static int remove_stale(const struct sockaddr_un *address, struct err *err)
{
    struct stat st;
    if (lstat(address->sun_path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, "listening at unix:%s: there is a file that is no socket",
                       address->sun_path);
    if (in_use(address))
        return err_set(err, "listening at unix:%s: a server is there already", address->sun_path);
    unlink(address->sun_path);
    return 0;
}

static int listen_unix(const char *path, struct sim_listener *l, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!*path || strlen(path) >= sizeof(address.sun_path))
        return err_set(err, "listening at unix:%s: the path is empty or too long", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (remove_stale(&address, err) < 0)
        return -1;
    int CLEANUP_FD fd = socket(AF_UNIX, SOCK_STREAM | FLAGS, 0);
    /* Nobody can connect between bind and listen, so the mode is right in time. */
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        chmod(path, 0600) < 0 || listen(fd, BACKLOG) < 0)
        return err_set(err, "listening at unix:%s: %s", path, strerror(errno));
    l->is_unix = true;
    memcpy(l->path, path, strlen(path) + 1);
    snprintf(l->address, sizeof(l->address), "unix:%s", path);
    l->fd = MOVE_FD(fd);
    return 0;
}

/* Take HOST:PORT or [V6]:PORT apart. */
static int split(const char *where, char host[64], char port[8])
{
    const char *colon = strrchr(where, ':');
    if (!colon || colon == where || strlen(colon + 1) >= 8)
        return -1;
    bool brackets = where[0] == '[' && colon[-1] == ']';
    size_t n = (size_t)(colon - where) - (brackets ? 2 : 0);
    if (n == 0 || n >= 64)
        return -1;
    memcpy(host, where + brackets, n);
    host[n] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return 0;
}

static int name_socket(struct sim_listener *l)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    if (getsockname(l->fd, (struct sockaddr *)&address, &len) < 0 ||
        getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return -1;
    bool v6 = address.ss_family == AF_INET6;
    snprintf(l->address, sizeof(l->address), "%s%.100s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "",
             port);
    return 0;
}

static int bind_first(const struct addrinfo *info)
{
    int CLEANUP_FD fd = socket(info->ai_family, info->ai_socktype | FLAGS, info->ai_protocol);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return -1;
    return MOVE_FD(fd);
}

static int listen_tcp(const char *where, struct sim_listener *l, struct err *err)
{
    char host[64];
    char port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *info = NULL;
    if (split(where, host, port) < 0)
        return err_set(err, "listening at %s: HOST:PORT or unix:PATH is needed", where);
    int rc = getaddrinfo(host, port, &hints, &info);
    if (rc != 0)
        return err_set(err, "listening at %s: %s", where, gai_strerror(rc));
    l->fd = bind_first(info);
    freeaddrinfo(info);
    if (l->fd < 0 || name_socket(l) < 0) {
        err_set(err, "listening at %s: %s", where, strerror(errno));
        ice_cleanup_fd(&l->fd);
        return -1;
    }
    return 0;
}

int sim_listen(const char *where, struct sim_listener *l, struct err *err)
{
    *l = (struct sim_listener){.fd = -1};
    if (strncmp(where, "unix:", 5) == 0)
        return listen_unix(where + 5, l, err);
    return listen_tcp(where, l, err);
}

void sim_listener_close(struct sim_listener *l)
{
    ice_cleanup_fd(&l->fd);
    l->fd = -1;
    if (l->is_unix)
        unlink(l->path);
    l->is_unix = false;
}
