/* signal(7): SIGCONT resumes even when blocked or ignored; it discards pending stops and vice
 * versa. */
#include "sig.h"

int main(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGCONT, SIG_IGN);
        block(SIGCONT);
        kill(getpid(), SIGSTOP);
        install(SIGTSTP, record, 0);
        block(SIGTSTP);
        raise(SIGTSTP);
        check(is_pending(SIGTSTP), 1);
        kill(getpid(), SIGCONT);
        check(!is_pending(SIGTSTP), 2);
        install(SIGCONT, record, 0);
        raise(SIGCONT);
        check(is_pending(SIGCONT), 3);
        raise(SIGTSTP);
        check(!is_pending(SIGCONT), 4);
        _exit(5);
    }
    waitpid(pid, &status, WUNTRACED);
    ok(WIFSTOPPED(status), "stopped");
    kill(pid, SIGCONT);
    ok(waitpid(pid, &status, 0) == pid, "resumed although ignored and blocked");
    ok(exited_with(status, 5), "pending signals were discarded");
    done();
}
