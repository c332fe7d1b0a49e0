/* execve(2): "#!interpreter arg" runs interpreter with arg, the script's path, and argv[1...]. */
#include "exec.h"

int main(int argc, char **argv)
{
    char script[5000], *args[] = {"ignored", "one", "two", NULL};

    if (argc > 1 && !strcmp(argv[1], "an arg"))
        return argc == 5 && !strcmp(argv[2], "./script") && !strcmp(argv[3], "one") &&
                       !strcmp(argv[4], "two") && !strcmp(argv[0], self_path())
                   ? 60
                   : 61;
    if (argc > 1 && !strcmp(argv[1], "./plain"))
        return argc == 4 ? 62 : 63;
    enter_scratch();
    int n = snprintf(script, sizeof(script), "#! \t%s \t an arg \t\nrubbish\n", self_path());
    if (n > 250) {
        skip("the program's path is too long for a script line");
        done();
    }
    put_file("script", script, n, 0755);
    ok(exited_with(run("./script", args, environ), 60), "with an argument");
    n = snprintf(script, sizeof(script), "#!%s", self_path());
    put_file("plain", script, n, 0755);
    ok(exited_with(run("./plain", args, environ), 62), "no argument, no newline");
    done();
}
