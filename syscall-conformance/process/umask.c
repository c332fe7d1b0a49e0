/* umask(2): masks creation modes, keeps only 0777, is inherited by fork, and returns the old mask.
 */
#include "child.h"

static void child(void)
{
    struct stat st;

    check(umask(0) == 027, 1);
    check(open("g", O_CREAT | O_WRONLY, 0777) >= 0, 2);
    check(stat("g", &st) == 0 && (st.st_mode & 07777) == 0777, 3);
}

int main(void)
{
    struct stat st;

    enter_scratch();
    umask(07777);
    is_eq(umask(027), 0777);
    close(open("f", O_CREAT | O_WRONLY, 0666));
    is_eq(mkdir("d", 01777), 0);
    stat("f", &st);
    is_eq(st.st_mode & 07777, 0640);
    stat("d", &st);
    is_eq(st.st_mode & 07777, 01750);
    is_eq(in_child(child), 0);
    is_eq(umask(0), 027);
    done();
}
