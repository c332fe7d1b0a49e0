/* flock(2): locks belong to the open file description: a second open conflicts with EWOULDBLOCK, a
 * dup does not; converting and unlocking work through either. */
#include "tmp.h"
#include <sys/file.h>

int main(void)
{
    int a, b, d;

    tmp_enter();
    a = file_with("f", "");
    b = (int)must(open("f", O_RDONLY));
    d = (int)must(dup(a));
    is_eq(flock(a, LOCK_EX), 0);
    is_errno(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    is_errno(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    is_eq(flock(d, LOCK_EX | LOCK_NB), 0);
    is_eq(flock(d, LOCK_SH | LOCK_NB), 0);
    is_eq(flock(b, LOCK_SH | LOCK_NB), 0);
    is_errno(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    is_eq(flock(b, LOCK_UN), 0);
    is_eq(flock(a, LOCK_EX | LOCK_NB), 0);
    close(a);
    is_errno(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    close(d);
    is_eq(flock(b, LOCK_EX | LOCK_NB), 0);
    is_errno(flock(b, 77), EINVAL);
    is_errno(flock(-1, LOCK_EX), EBADF);
    done();
}
