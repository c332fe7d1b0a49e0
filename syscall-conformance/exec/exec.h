/*
 * Programs that execute themselves in another role: argv[1] names the role. A child runs the image;
 * the parent sees its wait status.
 */
#ifndef CONFORMANCE_EXEC_H
#define CONFORMANCE_EXEC_H

#include "../process/child.h"

extern char **environ;

/* Runs path in a child; the status is 200 + errno (as exit code) when execve fails. */
UNUSED_FN static int run(const char *path, char *const argv[], char *const envp[])
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        syscall(SYS_execve, path, argv, envp); /* argv may be NULL */
        _exit(errno < 50 ? 200 + errno : 255);
    }
    waitpid(pid, &status, 0);
    return status;
}

/* Runs this program again with one argument. */
UNUSED_FN static int run_self(const char *role)
{
    char *argv[] = {"self", (char *)role, NULL};

    return run("/proc/self/exe", argv, environ);
}

/* The errno of an execve that must fail; 0 if it did not. */
UNUSED_FN static int exec_errno(const char *path)
{
    char *argv[] = {"x", NULL};
    int status = run(path, argv, environ);

    return WIFEXITED(status) && WEXITSTATUS(status) >= 200 ? WEXITSTATUS(status) - 200 : 0;
}

/* An absolute path of the running program. */
UNUSED_FN static const char *self_path(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    path[n > 0 ? n : 0] = 0;
    return path;
}

/* Copies the running program to a new file. */
UNUSED_FN static void copy_self(const char *to, mode_t mode)
{
    struct stat st;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    fstat(fd, &st);
    char *image = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    put_file(to, image, st.st_size, mode);
    munmap(image, st.st_size);
    close(fd);
}

#endif
