/* The command line: words -> struct options. */
#ifndef ICE_CLI_ARGS_H
#define ICE_CLI_ARGS_H

#include "base/err.h"
#include "cli/options.h"

/* Read the words and then the configuration file; options may stand anywhere before `--`. Called as
 * mount.fuse.icejobfs it takes mount(8)'s flags too (-n -s -v -r -w -t TYPE; -f then means "fake").
 * 0, or -1 with `err` (a usage error). options_free afterwards in both cases. Not thread-safe
 * (getopt). */
int args_parse(int argc, char **argv, const struct options_env *env, struct options *out,
               struct err *err);

#endif
