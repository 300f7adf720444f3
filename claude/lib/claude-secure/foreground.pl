# Runs a command in the foreground of the terminal on stdin, and continues it whenever it is stopped: no shell is
# here in which a person could type fg. In the process group of a session's leader the kernel discards the stop,
# and a Claude Code that suspends itself then waits forever to be continued; so the command has a group of its own.
use strict;
use warnings;
use Config;

my ($wait4) = map { /^x86_64/ ? 61 : /^aarch64/ ? 260 : die "unknown machine $_\n" } $Config{archname};
my ($tiocspgrp, $wnohang, $wuntraced, $stopped) = (0x5410, 1, 2, 0x7f);

# Starts the command; returns its process id, which is that of its group.
sub start_in_foreground {
  my @command = @_;
  my $pid = fork;
  die "cannot fork: $!\n" unless defined $pid;
  return $pid if $pid;
  setpgrp 0, 0;
  # The kernel would stop a process of the background that takes the terminal.
  local $SIG{TTOU} = 'IGNORE';
  ioctl STDIN, $tiocspgrp, pack('i', $$);
  $SIG{$_} = 'DEFAULT' for qw(TTOU HUP INT QUIT TSTP PIPE CHLD);
  exec { $command[0] } @command or die "$command[0]: $!\n";
}

# Waits for the next change of the command, or only asks for one. Returns its exit status once it has ended, 128 and
# the signal that ended it; undef while it runs.
sub exit_status {
  my ($pid, $only_ask) = @_;
  # Perl's own waitpid does not tell a stopped process from one that ended with 0.
  my $status = pack 'i', 0;
  my $changed = syscall $wait4, $pid, $status, $wuntraced | ($only_ask ? $wnohang : 0), 0;
  return if $changed == 0;
  return 1 if $changed != $pid;
  $status = unpack 'i', $status;
  if (($status & 0xff) != $stopped) {
    my $signal = $status & 127;
    return $signal ? 128 + $signal : $status >> 8;
  }
  # A program that stops itself in a loop must not use a whole processor.
  select undef, undef, undef, 0.05;
  kill 'CONT', -$pid;
  return;
}

1;
