/* Numbers of host calls that the headers of some systems which nv is built on do not have yet. */
#ifndef NV_BASE_NR_H
#define NV_BASE_NR_H

#include <sys/syscall.h>

#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452 /* Linux 6.6 */
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 __NR_fchmodat2
#endif

#endif
