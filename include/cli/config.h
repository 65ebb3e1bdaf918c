/* The configuration file: `name = value` lines, at the top level or in sections.
 *
 *   ttl = 5s                       for every SOURCE (so in [default])
 *   [cn-shanghai]                  for this SOURCE alone, and it wins over the above
 *   profile = studio
 *
 * Lines that begin with # or ; are comments, and so is what follows a blank and a ;. */
#ifndef ICE_CLI_CONFIG_H
#define ICE_CLI_CONFIG_H

#include "base/err.h"
#include <stdio.h>

struct options;

/* Apply what the file says for o->source. Every line is checked, those of other sections by the
 * option's name. 0, or -1 with `err` naming file and line. */
int config_read(struct options *o, FILE *file, const char *name, struct err *err);

/* config_read on o->config. A file that is not there is an error only if it was asked for by the
 * option `config`. */
int config_apply(struct options *o, struct err *err);

#endif
