/*
 * A network namespace made by a thread while the command finds out what it shall start: it takes
 * half a millisecond, and most of the rest of a start waits for it.
 */
#ifndef NV_RUNSC_CLI_NET_AHEAD_H
#define NV_RUNSC_CLI_NET_AHEAD_H

/* A sandbox will be started soon, by this process. */
void net_ahead_begin(void);
/* It was not needed; before any fork but that of the sandbox's processes. */
void net_ahead_drop(void);
/*
 * Enters it, so that children forked next are in it, and returns the namespace to go back to by
 * net_ahead_leave(); negative: there is none.
 */
int net_ahead_enter(void);
void net_ahead_leave(int back);

#endif
