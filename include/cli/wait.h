/* Waiting for a descriptor or a process, always with a deadline. */
#ifndef ICE_CLI_WAIT_H
#define ICE_CLI_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum wait_result {
    WAIT_READY, /* readable, or its other end is closed */
    WAIT_TIMEOUT,
    WAIT_FAILED, /* errno */
};

/* Wait until `fd` is readable or clock_mono_ms reaches `deadline_ms`. Signals do not end it. */
enum wait_result wait_readable(int fd, int64_t deadline_ms);

/* Wait until a child of ours has ended, and reap it. false: it still runs at the deadline. */
bool wait_child(pid_t child, int64_t deadline_ms);

#endif
