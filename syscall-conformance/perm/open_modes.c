/* open(2), access(2), truncate(2), exec: each class of users against each mode of the file and of
 * its directory. */
#include "../rows.h"

static const mode_t modes[] = {0,    0400, 0200, 0100, 0600, 0500,  0700,  0040,
                               0020, 0010, 0060, 0004, 0002, 0001,  0006,  0066,
                               0606, 0660, 0077, 0707, 0777, 04755, 02755, 01777};

static void table(void *arg)
{
    const struct row_user *u = arg;

    become(u);
    for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++) {
        char name[32], in[40];
        int fd = -1;
        snprintf(name, sizeof(name), "f%04o", modes[m]);
        row_add("%s file %04o:", u->name, modes[m]);
        static const int flags[] = {O_RDONLY,
                                    O_WRONLY,
                                    O_RDWR,
                                    3,
                                    O_RDONLY | O_TRUNC,
                                    O_RDWR | O_NOATIME,
                                    O_RDONLY | O_NOATIME,
                                    O_PATH,
                                    O_RDWR | O_CREAT,
                                    O_RDWR | O_CREAT | O_EXCL,
                                    O_WRONLY | O_APPEND | O_TRUNC,
                                    O_RDONLY | O_DIRECTORY};
        for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
            row_add(" %s", says(fd = open(name, flags[i], 0644)));
            if (fd >= 0)
                close(fd);
        }
        row_add(" |");
        for (int i = 0; i < 8; i++)
            row_add(" %s", says(access(name, i)));
        row_add(" | %s", says(truncate(name, 0)));
        row_add(" %s\n", says(execv(name, (char *[]){name, NULL})));
        snprintf(name, sizeof(name), "d%04o", modes[m]);
        snprintf(in, sizeof(in), "%s/x", name);
        row_add("%s dir %04o:", u->name, modes[m]);
        row_add(" %s", says(fd = open(name, O_RDONLY)));
        if (fd >= 0)
            close(fd);
        row_add(" %s", says(fd = open(in, O_RDONLY)));
        if (fd >= 0)
            close(fd);
        row_add(" %s", says(fd = open(name, O_WRONLY)));
        row_add(" %s", says(fd = open(name, O_RDWR | O_CREAT, 0644)));
        row_add(" %s", says(fd = open(in, O_RDWR | O_CREAT | O_EXCL, 0644)));
        snprintf(in, sizeof(in), "%s/none", name);
        row_add(" %s", says(fd = open(in, O_RDONLY)));
        row_add(" %s", says(fd = open(in, O_WRONLY | O_CREAT, 0644)));
        if (fd >= 0)
            close(fd);
        row_add(" %s", says(unlink(in)));
        row_add(" %s", says(fd = open(name, O_RDWR | O_TMPFILE, 0644)));
        if (fd >= 0)
            close(fd);
        row_add(" %s", says(mkdir(in, 0755)));
        row_add(" %s", says(rmdir(in)));
        row_add(" %s", says(symlink("x", in)));
        row_add(" %s", says(readlink(in, name + 20, 5)));
        row_add(" %s", says(unlink(in)));
        row_add(" %s", says(chdir(name)));
        must(chdir(tmp_path));
        for (int i = 0; i < 8; i++)
            row_add(" %s", says(access(name, i)));
        row_add("\n");
    }
}

int main(void)
{
    if (geteuid()) {
        skip("needs root");
        done();
    }
    tmp_enter();
    for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++) {
        char name[32];
        snprintf(name, sizeof(name), "f%04o", modes[m]);
        close(file_with(name, "#! none\n"));
        must(chown(name, 1000, 3000));
        must(chmod(name, modes[m]));
        snprintf(name, sizeof(name), "d%04o", modes[m]);
        must(mkdir(name, 0755));
        must(chdir(name));
        touch("x");
        must(chmod("x", 0666));
        must(chdir(tmp_path));
        must(chown(name, 1000, 3000));
        must(chmod(name, modes[m]));
    }
    for (size_t u = 1; u < sizeof(row_users) / sizeof(*row_users); u++)
        rows_of_child(table, (void *)&row_users[u]);
    rows_of_child(table, (void *)&row_users[0]);
    done();
}
