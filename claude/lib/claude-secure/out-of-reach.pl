# Builds a filter for system calls (seccomp) that keeps the programs which end a run out of its reach. A run has
# their user, so the kernel would let it take their file descriptors, processors and time, stop and trace them.
# Loaded by claude-secure-reaper. Landlock refuses to trace what is outside of its domain; it knows nothing of
# limits and priorities, and before Linux 6.12 nothing of signals.
use strict;
use warnings;
use Config;

my ($load, $goto, $if_equal, $if_at_least, $return) = (0x20, 0x05, 0x15, 0x35, 0x06);
my ($allow, $refuse, $unknown) = (0x7fff0000, 0x00050001, 0x00050026);
my ($set_seccomp, $filter_mode) = (22, 2);

# How a call is judged, and its number on each machine: also on the 32-bit one that the same kernel offers.
my %machines = (
  x86_64 => { prctl => 157, arch => [0xc000003e, 0x40000003] },
  aarch64 => { prctl => 167, arch => [0xc00000b7, 0x40000028] },
);
my @calls = (
  # name, rule, x86_64, i386, aarch64, arm
  ['prlimit64', 'limits', 302, 340, 261, 369],
  ['kill', 'kill', 62, 37, 129, 37],
  ['tkill', 'first', 200, 238, 130, 238],
  ['tgkill', 'both', 234, 270, 131, 268],
  ['rt_sigqueueinfo', 'first', 129, 178, 138, 178],
  ['rt_tgsigqueueinfo', 'both', 297, 335, 240, 363],
  ['ptrace', 'second', 101, 26, 117, 26],
  ['process_vm_readv', 'first', 310, 347, 270, 376],
  ['process_vm_writev', 'first', 311, 348, 271, 377],
  ['kcmp', 'both', 312, 349, 272, 378],
  ['pidfd_open', 'first', 434, 434, 434, 434],
  ['move_pages', 'first', 279, 317, 239, 344],
  ['migrate_pages', 'first', 256, 294, 238, 400],
  ['sched_setparam', 'first', 142, 154, 118, 154],
  ['sched_setscheduler', 'first', 144, 156, 119, 156],
  ['sched_setaffinity', 'first', 203, 241, 122, 241],
  ['sched_setattr', 'first', 314, 351, 274, 380],
  ['setpriority', 'priority', 141, 97, 140, 97],
  ['ioprio_set', 'io_priority', 251, 289, 30, 314],
);

sub instruction { return pack 'S C C L', @_ }
sub number_of { return unpack 'L', pack 'l', $_[0] }

# Arguments are 64 bits wide, and process ids 32.
sub load_argument { return instruction($load, 0, 0, 16 + 8 * $_[0] + ($_[1] // 0)) }

# Refuses the call if the argument is one of the numbers; otherwise the next instruction follows.
sub refuse_if {
  my ($argument, @numbers) = @_;
  my $left = @numbers;
  return join '', load_argument($argument),
    (map { instruction($if_equal, $left--, 0, number_of($_)) } @numbers),
    instruction($goto, 0, 0, 1), instruction($return, 0, 0, $refuse);
}

# Allows the call if the argument is the number.
sub allow_if {
  my ($argument, $number, $word) = @_;
  return load_argument($argument, $word) . instruction($if_equal, 0, 1, $number)
    . instruction($return, 0, 0, $allow);
}

sub rules {
  my @pids = @_;
  my $end = instruction($return, 0, 0, $allow);
  my $null = load_argument(2) . instruction($if_equal, 0, 3, 0) . load_argument(2, 4)
    . instruction($if_equal, 0, 1, 0) . $end;
  return (
    first => refuse_if(0, @pids) . $end,
    second => refuse_if(1, @pids) . $end,
    both => refuse_if(0, @pids) . refuse_if(1, @pids) . $end,
    # Signal 0 only asks. -1 is every process, and a negative number a group.
    kill => allow_if(1, 0) . refuse_if(0, -1, map { ($_, -$_) } @pids) . $end,
    # A process may read the limits of others, and change its own.
    limits => allow_if(0, 0) . $null . instruction($return, 0, 0, $refuse),
    # Of a whole user: 2 and 3.
    priority => refuse_if(0, 2) . refuse_if(1, @pids) . $end,
    io_priority => refuse_if(0, 3) . refuse_if(1, @pids) . $end,
  );
}

# Returns the instructions for a machine: its own calls, then those of its 32-bit programs.
sub program {
  my ($machine, @pids) = @_;
  my $column = $machine eq 'x86_64' ? 2 : 4;
  my %rules = rules(@pids);
  my ($blocks, %at) = ('');
  for my $rule (sort keys %rules) {
    $at{$rule} = length($blocks) / 8;
    $blocks .= $rules{$rule};
  }
  my $program = instruction($load, 0, 0, 4);
  # From one machine's test to that of the next.
  my $each = 2 * @calls + 6;
  my $total = 2 * $each + 2;
  for my $which (0, 1) {
    $program .= instruction($if_equal, 1, 0, $machines{$machine}{arch}[$which]);
    $program .= instruction($goto, 0, 0, $each - 2);
    $program .= instruction($load, 0, 0, 0);
    # Numbers from here on are those of x32, which has a third set of them.
    $program .= instruction($if_at_least, 0, 1, 0x40000000) . instruction($return, 0, 0, $unknown);
    for my $call (@calls) {
      my $here = length($program) / 8;
      $program .= instruction($if_equal, 0, 1, $call->[$column + $which]);
      $program .= instruction($goto, 0, 0, $total + $at{$call->[1]} - $here - 2);
    }
    $program .= instruction($return, 0, 0, $allow);
  }
  $program .= instruction($return, 0, 0, $unknown);
  die "claude-secure: filter of a wrong length\n" unless length($program) == 8 * $total;
  return $program . $blocks;
}

# Confines the caller and all its later children: the processes with these ids stay out of their reach.
sub keep_out_of_reach {
  my ($machine) = $Config{archname} =~ /^(x86_64|aarch64)/ or die "unknown machine $Config{archname}\n";
  my $program = program($machine, @_);
  my $filter = pack 'S x6 P', length($program) / 8, $program;
  return syscall($machines{$machine}{prctl}, $set_seccomp, $filter_mode, $filter, 0, 0) == 0;
}

1;
