cd "$(mktemp -d)" || exit 1
cat > a.c <<'END'
#include <math.h>
#include <pthread.h>
#include <stdio.h>
static void *f(void *p) { *(double *)p = sqrt(*(double *)p); return p; }
int main(int argc, char **argv) { double v = argc * 49.0; pthread_t t; pthread_create(&t, 0, f, &v); pthread_join(t, 0); printf("%s %.1f\n", argv[1], v); return argc; }
END
gcc -O2 -Wall -o prog a.c -lm -lpthread && ./prog run; echo "exit $?"
gcc -static -o sprog a.c -lm -lpthread && ./sprog static
printf 'all: x\nx: y\n\tcp y x\ny:\n\techo y > y\n' > Makefile; make -s -j2; cat x
gcc -c nothing.c 2>/dev/null; echo "exit $?"
