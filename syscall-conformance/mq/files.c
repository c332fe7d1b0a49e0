/* mq_overview(7): the file system of queues: names, QSIZE lines, unlink, creat. */
#include "mq.h"
#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

int main(void)
{
    char buf[128] = "";
    struct statfs fs;
    int found = 0;

    tmp_enter();
    mqd_t q = mq_new(4, 8, 0);
    ok(read(q, buf, sizeof(buf)) > 50, "a line can be read");
    ok(!strncmp(buf, "QSIZE:0          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n", 60),
       "QSIZE line");
    must(mq_send(q, "abc", 3, 0));
    must(mkdir("m", 0755));
    if (geteuid() || mount("mqueue", "m", "mqueue", 0, NULL)) {
        for (int i = 0; i < 8; i++)
            skip("needs mount(2)");
        done();
    }
    must(statfs("m", &fs));
    is_eq(fs.f_type, 0x19800202);
    DIR *d = opendir("m");
    for (struct dirent *e; (e = readdir(d));)
        found += !strcmp(e->d_name, mq_name + 1);
    closedir(d);
    is_eq(found, 1);
    char path[128];
    snprintf(path, sizeof(path), "m%s", mq_name);
    int fd = (int)must(open(path, O_RDONLY));
    is_eq(read(fd, buf, 7), 7);
    ok(!strncmp(buf, "QSIZE:3", 7), "it tells of the bytes");
    char msg[8];
    is_eq(mq_receive(fd, msg, 8, NULL), 3);
    is_errno(mkdir("m/dir", 0755), EPERM);
    is_eq(unlink(path), 0);
    is_errno(mq_open(mq_name, O_RDWR), ENOENT);
    must(close(fd));
    must(umount("m"));
    done();
}
