# Ruby: threads, queues, fork, pipes, Unix sockets, IO.select, signals, Process.
require 'socket'; require 'tmpdir'; require 'timeout'; require 'open3'; require 'fileutils'
$stdout.sync = true
q = Queue.new
(1..8).map { |n| Thread.new { q << (1..n * 100).sum } }.each(&:join)
p Array.new(8) { q.pop }.sort
p (1..4).map { |n| fork { exit n } }.map { |pid| Process.wait2(pid)[1].exitstatus }
Dir.mktmpdir do |d|
  server = UNIXServer.new("#{d}/s")
  t = Thread.new { 3.times { s = server.accept; s.write s.read.upcase; s.close } }
  p (1..3).map { |n| c = UNIXSocket.new("#{d}/s"); c.write "client #{n}"; c.close_write; c.read }
  t.join
  File.write("#{d}/f", "line\n" * 1000)
  p File.size("#{d}/f"), File.foreach("#{d}/f").count, Dir.children(d).sort
  File.open("#{d}/f") { |f| f.flock(File::LOCK_EX); p File.open("#{d}/f") { |g| g.flock(File::LOCK_EX | File::LOCK_NB) } }
  FileUtils.mkdir_p("#{d}/a/b/c"); FileUtils.cp("#{d}/f", "#{d}/a/b/c/g"); p Dir.glob("#{d}/**/*").size
end
p Open3.capture3('cat; echo err >&2; exit 5', stdin_data: 'in').then { |o, e, s| [o, e, s.exitstatus] }
begin; Timeout.timeout(0.05) { sleep }; rescue Timeout::Error; puts 'timeout'; end
hit = Queue.new; trap('USR1') { hit << 1 }; Process.kill('USR1', Process.pid); p hit.pop
r, w = IO.pipe; pid = fork { r.close; w.write 'x' * 200_000; exit! 0 }; w.close; p r.read.size; Process.wait pid
p IO.select([r], nil, nil, 0)&.first&.size
pid = spawn('sleep', '100'); Process.kill('TERM', pid); Process.wait pid; p $?.termsig
p Process.clock_gettime(Process::CLOCK_MONOTONIC) > 0, Process.getpgid(0) == Process.getpgrp
e = Enumerator.new { |y| 3.times { |i| y << i } }; p e.next, e.next, Fiber.new { Fiber.yield 7 }.resume
p Ractor.new { 6 * 7 }.take rescue p $!.class
