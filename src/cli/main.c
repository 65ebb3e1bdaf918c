/* icejobfs: media producing jobs of Alibaba Cloud ICE as files.
 *
 * The rooms, from the ground up; each uses only those below it. Headers mirror the sources:
 * include/api/acs3.h is src/api/acs3.c's.
 *
 *   base/   errors as values, buffers with ceilings, clocks, checked numbers, log, threads
 *   api/    the service: endpoint, credentials chain, ACS3 signature, HTTP engine, the two
 *           operations, error table, retry policy
 *   job/    a job at one moment: reply -> immutable snapshot, field names, the difference of two
 *   cache/  what is known: jobs, their age, the readers who wait, who is told of changes
 *   live/   the refresh thread: what to ask when, within the API budget
 *   fs/     the tree as inodes, the FUSE callbacks, making and undoing a mount
 *   sim/    the simulated service, a program of its own (icejobfs-sim); uses base/ alone
 *   cli/    this program:
 *     main          the commands and their exit statuses
 *     args          the command line            optlist       the text after -o
 *     options       the table of options        option_value  one value of one option
 *     config        the configuration file      optdoc        what documents say of the options
 *     mount         a mount from start to end   mountcheck    what the first answer means for it
 *     mountpoint    the directory to mount on   alive         whether a mount answers
 *     daemon        the way to the background   wait          waiting with a deadline
 *     remote        the way to the service      probe         one call, waited for
 *     doctor        looks at what a mount needs finding       what that comes to
 *     demo          the simulator as a child    demo_jobs     what there is to see in it
 *     wait_command  `icejobfs wait`             wait_jobs     waiting for jobs to end
 *     wait_job      one job as its directory shows it
 *     path          file names joined, directories made
 */
#include "base/log.h"
#include "cli/args.h"
#include "cli/doctor.h"
#include "cli/mount.h"
#include "cli/optdoc.h"
#include "cli/wait_command.h"
#include "fs/notifier.h"
#include "version.h"
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2

static const char *home(void)
{
    const char *dir = getenv("HOME");
    if (dir && *dir)
        return dir;
    const struct passwd *entry = getpwuid(getuid());
    return entry ? entry->pw_dir : NULL;
}

static int help(void)
{
    struct buf text CLEANUP_BUF = BUF_INIT(OPTDOC_MAX);
    if (optdoc_help(&text) < 0) {
        fputs("icejobfs: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    fputs(buf_str(&text), stdout);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int version(void)
{
    puts("icejobfs " ICEJOBFS_VERSION);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(const struct options *o)
{
    if (o->debug)
        log_set_level(LOG_LEVEL_DEBUG);
    switch (o->command) {
    case OPTIONS_MOUNT:
        return mount_run(o);
    case OPTIONS_DOCTOR:
        return doctor_run(o);
    case OPTIONS_HELP:
        return help();
    case OPTIONS_VERSION:
        return version();
    case OPTIONS_FAKE:
        break;
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "wait") == 0)
        return wait_command_run(argc - 1, argv + 1);
    /* Ourselves, as the mount's notifier: nothing of what follows is its business. */
    if (argc == 4 && strcmp(argv[1], "--notifier") == 0)
        return notifier_main(argv[2], argv[3]);
    char cwd[PATH_MAX];
    struct options_env env = {.uid = getuid(),
                              .gid = getgid(),
                              .home = home(),
                              .xdg_config_home = getenv("XDG_CONFIG_HOME"),
                              .xdg_state_home = getenv("XDG_STATE_HOME"),
                              .cwd = getcwd(cwd, sizeof cwd)};
    struct options o;
    struct err err = {""};
    int status = EXIT_USAGE;
    if (args_parse(argc, argv, &env, &o, &err) == 0)
        status = run(&o);
    else
        fprintf(stderr, "icejobfs: %s\nTry 'icejobfs --help'.\n", err.text);
    options_free(&o);
    return status;
}
