/* core(5): /proc/PID/coredump_filter is hexadecimal, 0x33 at first, and inherited by fork and exec.
 */
#include "../process/child.h"

static char text[64];

static const char *filter(void)
{
    int fd = open("/proc/self/coredump_filter", O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text) - 1);

    close(fd);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static int set(const char *value)
{
    int fd = open("/proc/self/coredump_filter", O_WRONLY);
    ssize_t n = write(fd, value, strlen(value));
    int err = n < 0 ? errno : 0;

    close(fd);
    return err;
}

static void inherits(void)
{
    check(!strcmp(filter(), "00000007\n"), 1);
    check(!set("0x1"), 2);
}

static void no_dump(void)
{
    check(!set("0x12"), 1);
    execl("/proc/self/exe", "filter", "after exec", (char *)NULL);
    _exit(2);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return strcmp(filter(), "00000012\n") ? 3 : 0;
    ok(!strcmp(filter(), "00000033\n"), "the default is 00000033");
    is_eq(set("0x7"), 0);
    ok(!strcmp(filter(), "00000007\n"), "it is what was written");
    ok(exited_with(in_child(inherits), 0), "a child has it");
    ok(!strcmp(filter(), "00000007\n"), "and changes its own");
    ok(exited_with(in_child(no_dump), 0), "it stays over exec");
    is_eq(set("51\n"), 0);
    ok(!strcmp(filter(), "00000033\n"), "decimal, with a newline");
    is_eq(set("0xffffffff"), 0);
    ok(!strcmp(filter(), "000001ff\n"), "other bits are dropped");
    is_eq(set("nonsense"), EINVAL);
    is_eq(set("0x33 "), EINVAL);
    is_eq(set("-1"), EINVAL);
    is_eq(set(""), EINVAL);
    is_eq(set(" 51"), EINVAL);
    is_eq(set("0x100000000"), ERANGE);
    ok(!strcmp(filter(), "000001ff\n"), "a bad value changes nothing");
    done();
}
