# Go: compiles and runs goroutines, channels, timers, processes, signals, Unix sockets, mapped files.
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT; cd "$d" || exit 1
export GOCACHE=$d/cache GOPATH=$d/go GO111MODULE=off CGO_ENABLED=0 HOME=$d GOFLAGS=-p=2
cat > main.go <<'G'
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

func main() {
	var wg sync.WaitGroup
	var total int64
	ch := make(chan int, 10)
	for i := 0; i < 1000; i++ {
		wg.Add(1)
		go func(i int) { defer wg.Done(); atomic.AddInt64(&total, int64(i)); ch <- i }(i)
	}
	sum := 0
	for i := 0; i < 1000; i++ {
		sum += <-ch
	}
	wg.Wait()
	fmt.Println(total, sum)
	done := make(chan int)
	go func() { done <- fib(30) }()
	go func() { for { } }() // only preempted by signals
	fmt.Println(<-done)
	select {
	case <-time.After(20 * time.Millisecond):
		fmt.Println("after")
	}
	out, err := exec.Command("sh", "-c", "cat /proc/self/comm; exit 3").Output()
	var ee *exec.ExitError
	fmt.Printf("%q %v %v\n", out, err, errors.As(err, &ee))
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	fmt.Println(exec.CommandContext(ctx, "sleep", "100").Run(), ctx.Err())
	cancel()
	sig := make(chan os.Signal, 5)
	signal.Notify(sig, syscall.SIGUSR1, syscall.SIGTERM)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-sig)
	fds, _ := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	r, w := os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	go func() { fmt.Fprintln(w, "through a socket"); w.Close() }()
	line, _ := bufio.NewReader(r).ReadString('\n')
	fmt.Print(line)
	os.WriteFile("f", make([]byte, 10000), 0644)
	f, _ := os.OpenFile("f", os.O_RDWR, 0)
	m, err := syscall.Mmap(int(f.Fd()), 0, 10000, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	m[5000] = 7
	b := make([]byte, 1)
	f.ReadAt(b, 5000)
	fmt.Println(b, err)
	pr, pw, _ := os.Pipe()
	pr.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err = pr.Read(b)
	fmt.Println(os.IsTimeout(err))
	pw.Close()
	func() {
		defer func() { fmt.Println(recover()) }()
		var p *int
		*p = 1
	}()
	var keep [][]byte
	for i := 0; i < 2000; i++ {
		keep = append(keep, make([]byte, 10000))
		if len(keep) > 100 {
			keep = nil
		}
	}
	runtime.GC()
	debug.FreeOSMemory()
	_, err = os.Open("/nonexistent")
	fmt.Println(err, runtime.NumCPU() > 0)
	os.Exit(7)
}
G
go build -o m main.go && ./m
