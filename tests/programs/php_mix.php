<?php // PHP: files, locks, processes, Unix streams, select, JSON, sessions of garbage collection.
$d = sys_get_temp_dir() . '/php' . getmypid(); mkdir($d);
file_put_contents("$d/f", str_repeat("line\n", 1000)); echo filesize("$d/f"), ' ', count(file("$d/f")), "\n";
$p = proc_open(['sh', '-c', 'cat; echo err >&2; exit 3'], [['pipe', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
fwrite($pipes[0], 'input'); fclose($pipes[0]); echo stream_get_contents($pipes[1]), stream_get_contents($pipes[2]);
fclose($pipes[1]); fclose($pipes[2]); echo proc_close($p), "\n";
$s = stream_socket_server("unix://$d/s"); $c = stream_socket_client("unix://$d/s"); $a = stream_socket_accept($s);
fwrite($c, "hello\n"); $r = [$a]; $w = null; $e = null; echo stream_select($r, $w, $e, 5), fgets($a);
$f = fopen("$d/f", 'r+'); $g = fopen("$d/f", 'r+'); var_dump(flock($f, LOCK_EX), flock($g, LOCK_EX | LOCK_NB));
$x = []; for ($i = 0; $i < 200000; $i++) $x[] = "item $i"; echo md5(json_encode($x)), "\n"; unset($x);
[$m, $n] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0); fwrite($m, 'pair'); echo fread($n, 10), "\n";
echo trim(shell_exec('echo shell')), ' ', preg_match('/a+b/', 'xaab'), ' ', PHP_OS, "\n"; system('exit 4', $code); echo $code, "\n";
if (function_exists('pcntl_fork')) { $pid = pcntl_fork(); if (!$pid) exit(6); pcntl_waitpid($pid, $st); echo pcntl_wexitstatus($st), "\n"; }
$err = @stream_socket_client('unix:///nonexistent', $no, $str); echo $no, ' ', $str, "\n";
array_map('unlink', ["$d/f", "$d/s"]); rmdir($d); var_dump(file_exists($d)); exit(5);
