# Perl: fork and wait, pipes, Unix sockets, select, signals, locks, directories, sysopen.
use strict; use warnings; use Fcntl qw(:DEFAULT :flock); use POSIX qw(:sys_wait_h :signal_h);
use IO::Socket::UNIX; use IO::Select; use File::Temp qw(tempdir); use Socket; use Time::HiRes qw(usleep ualarm);
$| = 1;
my $d = tempdir(CLEANUP => 1);
my %kids;
for my $n (1 .. 5) { my $p = fork; if (!$p) { POSIX::_exit($n) } $kids{$p} = $n; }
my $sum = 0;
while ((my $p = wait) > 0) { die unless $kids{$p} == $? >> 8; $sum += $? >> 8; }
print "sum $sum\n";
my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "$d/s", Listen => 5) or die $!;
my $pid = fork;
if (!$pid) {
    my $c = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => "$d/s") or die $!;
    print $c "hello $_\n" for 1 .. 3;
    shutdown $c, 1;
    my @back = <$c>;
    POSIX::_exit(scalar @back);
}
my $c = $server->accept; my @lines = <$c>; print $c map { uc } @lines; close $c; waitpid $pid, 0;
print "lines ", scalar @lines, " status ", $? >> 8, "\n";
my @hits; $SIG{ALRM} = sub { push @hits, 1 }; ualarm 20000; select undef, undef, undef, 5; print "alarms ", scalar @hits, "\n";
$SIG{USR1} = sub { print "usr1\n" }; kill USR1 => $$;
sysopen my $f, "$d/f", O_RDWR | O_CREAT | O_EXCL or die $!; flock $f, LOCK_EX;
my $k = fork; if (!$k) { open my $g, '<', "$d/f"; POSIX::_exit(flock($g, LOCK_SH | LOCK_NB) ? 1 : 0) } waitpid $k, 0;
print "locked ", $? >> 8 ? "no" : "yes", "\n";
print "excl: ", (sysopen(my $h, "$d/f", O_CREAT | O_EXCL) ? "opened" : $!), "\n";
mkdir "$d/x$_" for 1 .. 50; opendir my $dh, $d; print scalar(grep { /^x/ } readdir $dh), " dirs\n";
print `echo from a shell; exit 3`, $? >> 8, "\n";
open my $pipe, '-|', 'sort', '-r', '/etc/shells' or die; my @s = <$pipe>; close $pipe; print scalar @s, " shells\n";
socketpair my $a, my $b, AF_UNIX, SOCK_DGRAM, 0; send $a, "dgram", 0; recv $b, my $m, 100, 0; print "$m\n";
printf "%s\n", join ',', (stat "$d/f")[7], -d $d ? 'dir' : '', -S "$d/s" ? 'socket' : '';
symlink 'f', "$d/l"; print readlink "$d/l", "\n"; rename "$d/f", "$d/g"; print -l "$d/l" && !-e "$d/l" ? "dangling\n" : "no\n";
my ($r, $w) = POSIX::pipe(); close STDERR; print "times ok\n" if (times)[0] >= 0; exit 4;
