/*
 * What nv remembers between commands, until the next boot: $NV_STATE_DIR, else /run/nv for root
 * and $XDG_RUNTIME_DIR/nv for others.
 */
#ifndef NV_BASE_STATE_DIR_H
#define NV_BASE_STATE_DIR_H

#include <stdbool.h>

/*
 * Opens the directory NAME in there. It and its parent are ours, and nobody else can write to them:
 * anything else is refused. create: make them, 0700. A descriptor or a negative errno (-ENOENT:
 * also when there is no such place).
 */
int state_dir_open(const char *name, bool create);
/* For messages: where it is, malloc'ed; NULL: there is no such place, or out of memory. */
char *state_dir_path(const char *name);

#endif
