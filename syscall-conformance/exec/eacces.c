/* execve(2): EACCES for directories, special files and files without execute permission, root too.
 */
#include "exec.h"

int main(void)
{
    enter_scratch();
    copy_self("noexec", 0644);
    copy_self("yes", 0755);
    ok(mkdir("dir", 0755) == 0 && mkfifo("fifo", 0777) == 0, "files made");
    is_eq(exec_errno("noexec"), EACCES);
    is_eq(exec_errno("dir"), EACCES);
    is_eq(exec_errno("fifo"), EACCES);
    is_eq(exec_errno("/dev/null"), EACCES);
    is_eq(exec_errno("/"), EACCES);
    done();
}
