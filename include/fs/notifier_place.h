/* A place of its own for the user mode's notifier.
 *
 * An operation below the users' mount keeps it busy for its moment, and an unmount in that moment
 * would be refused because of us. So the notifier works below a clone of the mount that is in no
 * mount table of anybody else: in a user and mount namespace of its own (user_namespaces(7)), out
 * of which every other mount has been thrown, so that it keeps none of them alive either. */
#ifndef ICE_FS_NOTIFIER_PLACE_H
#define ICE_FS_NOTIFIER_PLACE_H

/* Move there, for good. Returns a descriptor of the root of the mount's clone, or -1 where the
 * system does not allow it; then nothing has changed, and paths serve. For a process with one
 * thread. */
int notifier_place(const char *mountpoint);

#endif
