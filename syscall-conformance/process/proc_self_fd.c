/* proc(5): /proc/PID/fd has a link for each open descriptor, which can be reopened. */
#include "child.h"
#include <dirent.h>

static bool listed(int fd)
{
    DIR *dir = opendir("/proc/self/fd");
    bool found = false;

    for (struct dirent *e; (e = readdir(dir));)
        found |= e->d_name[0] != '.' && atoi(e->d_name) == fd;
    closedir(dir);
    return found;
}

int main(void)
{
    char path[64], link[4096] = "", want[4200], cwd[4096], c = 0;

    enter_scratch();
    put_file("f", "hello", 5, 0600);
    int fd = dup2(open("f", O_RDONLY), 50), pipefd[2];
    ok(listed(50), "the descriptor is listed");
    ok(!listed(51), "another is not");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ok(readlink(path, link, sizeof(link) - 1) > 0 && getcwd(cwd, sizeof(cwd)), "readlink");
    snprintf(want, sizeof(want), "%s/f", cwd);
    ok(!strcmp(link, want), "the file's path");
    int again = open(path, O_RDWR);
    ok(again >= 0, "reopened with another mode");
    lseek(fd, 3, SEEK_SET);
    ok(read(again, &c, 1) == 1 && c == 'h', "with its own offset");
    unlink("f");
    memset(link, 0, sizeof(link));
    ok(readlink(path, link, sizeof(link) - 1) > 0 && strstr(link, "/f (deleted)"), "deleted");
    if (pipe(pipefd) < 0)
        return 1;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", pipefd[0]);
    memset(link, 0, sizeof(link));
    ok(readlink(path, link, sizeof(link) - 1) > 0 && !strncmp(link, "pipe:[", 6), "a pipe");
    is_errno(readlink("/proc/self/fd/777", link, 10), ENOENT);
    done();
}
