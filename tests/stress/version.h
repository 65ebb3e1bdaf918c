/* Texts of which every version can be told from any other, and from a mixture: the version's
 * number, eight digits and a blank, over and over. How often follows from the number: 9 bytes to 60
 * KB, and neighbours differ. */
#ifndef STRESS_VERSION_H
#define STRESS_VERSION_H

#include <stddef.h>

#define VERSION_TEXT_MAX ((size_t)64 << 10)

/* The text of a version, with a NUL behind it. Returns its length. */
size_t version_text(unsigned version, char out[VERSION_TEXT_MAX]);

/* Which version a file's content is: the text and a line feed, whole. 0: it is none. */
unsigned version_of(const char *data, size_t len);

#endif
