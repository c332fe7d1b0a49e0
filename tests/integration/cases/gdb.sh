# gdb: breakpoints, conditions, steps, backtraces, threads, calls into the program, signals, attaching.
set -e
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >prog.c <<'C'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int counter;
static volatile sig_atomic_t signals;

static void handler(int sig)
{
    signals += sig;
}

static void *work(void *arg)
{
    for (int i = 0; i < 3; i++)
        __sync_fetch_and_add(&counter, 1);
    return arg;
}

int square(int x)
{
    int y = x * x;

    return y;
}

static int deeper(int n)
{
    return n ? deeper(n - 1) + 1 : square(3);
}

int main(int argc, char **argv)
{
    pthread_t t[3];
    int sum = 0;

    signal(SIGUSR1, handler);
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, work, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 5; i++)
        sum += square(i);
    raise(SIGUSR1);
    sum += deeper(4);
    printf("%d %d %d\n", sum, counter, (int)signals);
    fflush(stdout);
    if (argc > 1)
        abort();
    return 0;
}
C
gcc -g -O0 -o prog prog.c -lpthread
gdb_run() {
    gdb -nx -batch -iex 'set debuginfod enabled off' "$@" 2>&1 |
        sed -E 's/\(LWP [0-9]+\)/(LWP N)/; s/process [0-9]+/process P/; s/Thread 0x[0-9a-f]+/Thread T/; s/0x[0-9a-f]{8,}/ADDR/g' |
        grep -vE '^\[(New Thread|Thread T.*exited)|^Using host libthread_db|^Download|^warning: .*(debug|source)'
}
echo "--- breakpoints and steps"
gdb_run -ex 'break square if x==2' -ex 'run >out' -ex bt -ex next -ex 'print y' -ex 'stepi' -ex 'print $rip > 0' \
    -ex finish -ex 'print counter' -ex 'print square(12)' -ex 'set var sum = 100' -ex delete -ex 'handle SIGUSR1 nostop noprint' \
    -ex continue ./prog
cat out
echo "--- threads"
gdb_run -ex 'break work' -ex 'run >out' -ex 'frame function work' -ex 'print $_thread > 1' -ex 'delete' -ex 'handle SIGUSR1 nostop noprint' \
    -ex continue ./prog | grep -vE 'Switching|^Thread|hit Breakpoint'
cat out
echo "--- signals and recursion"
gdb_run -ex 'run >out' -ex 'print $_siginfo.si_signo' -ex 'break square if x == 3' -ex continue -ex 'bt -frame-arguments all' -ex 'up 2' -ex 'print n' \
    -ex kill ./prog
echo "--- a watchpoint without hardware"
gdb_run -ex 'set can-use-hw-watchpoints 0' -ex 'break square if x==4' -ex 'run >out' -ex 'watch y' -ex continue -ex 'print y' -ex kill ./prog
echo "--- calls and abort"
gdb_run -ex 'catch syscall write' -ex 'handle SIGUSR1 nostop noprint' -ex 'run x >out' -ex 'print (int)$rdi' -ex continue -ex delete -ex continue \
    -ex 'info program' -ex 'frame function main' -ex kill ./prog | grep -vE '^(#0|__|[0-9]+.*in)|raise|\.c: No such'
echo "--- attached"
sleep 30 &
gdb_run -p $! -ex 'print 1 + 1' -ex 'info inferiors' -ex detach | grep -E '^\$1|detached'
kill $!
