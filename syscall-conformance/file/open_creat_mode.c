/* open(2): the mode of a created file is (mode & ~umask); it applies to later accesses only. */
#include "tmp.h"

int main(void)
{
    struct stat st;
    int fd;

    tmp_enter();
    umask(027);
    ok((fd = open("f", O_RDWR | O_CREAT, 0666)) >= 0, "creates f");
    is_eq(fstat(fd, &st), 0);
    is_eq(st.st_mode, S_IFREG | 0640);
    is_eq(st.st_size, 0);
    is_eq(st.st_nlink, 1);
    is_eq(st.st_uid, geteuid());
    close(fd);

    ok((fd = open("ro", O_RDWR | O_CREAT, 0400)) >= 0, "creates a read-only file for writing");
    is_eq(write(fd, "abc", 3), 3);
    close(fd);
    is_eq(size_of("ro"), 3);

    umask(0);
    ok((fd = open("s", O_WRONLY | O_CREAT, 07777)) >= 0, "creates with all mode bits");
    is_eq(fstat(fd, &st), 0);
    is_eq(st.st_mode, S_IFREG | 07777);
    done();
}
