/* What documents say about the options, made from the table: the help text, the man page's section,
 * the sample configuration, the words that bash completes. docs/ holds the results; a test holds
 * them equal (and writes them anew when it runs with UPDATE_DOCS=1). */
#ifndef ICE_CLI_OPTDOC_H
#define ICE_CLI_OPTDOC_H

#include "base/buf.h"

#define OPTDOC_MAX ((size_t)64 << 10) /* a ceiling that fits each of them */

/* All append to `out`. 0, or -1 (errno of buf_add). */
int optdoc_help(struct buf *out) ICE_MUST_CHECK;
int optdoc_man(struct buf *out) ICE_MUST_CHECK; /* the .TP paragraphs of man(7) */
int optdoc_sample(struct buf *out) ICE_MUST_CHECK;
int optdoc_names(struct buf *out) ICE_MUST_CHECK; /* "profile= ttl= ... vpc": '=' wants a value */

#endif
