/* The sentry has no /proc: it asks for files of its stubs (enum stub_file). */
#ifndef NV_RUNSC_CLI_PAGEMAP_H
#define NV_RUNSC_CLI_PAGEMAP_H

#include <stdbool.h>
#include <sys/types.h>

/* The host's number of the child of the sentry that pidfd names, or negative errno. */
bool stub_is_alive(int pidfd);
pid_t stub_pid(pid_t sentry, int pidfd);
/*
 * Answers CTL_STUB_FILE on the control socket ctl. Only children of the sentry are looked at, of
 * which pidfd names one. Takes over pidfd, which may be -1 or no pidfd at all.
 */
void pagemap_serve(int ctl, pid_t sentry, int pidfd, int which);

#endif
