/* Where what is known is kept: one database per account, region and endpoint, in the state
 * directory. */
#ifndef ICE_CLI_DATABASE_H
#define ICE_CLI_DATABASE_H

/* "<state>/<hash>.db", malloc'ed. `account`: creds_account. Pure. NULL without memory. */
char *database_path(const char *state, const char *account, const char *endpoint);

/* Make the state directory, 0700. 0, or -1 with errno. */
int database_make_dir(const char *state);

#endif
