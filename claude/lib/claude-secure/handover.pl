# The place where the two halves of a session meet, and the terminal that one hands to the other.
#
# The keeper, a user of its own, owns everything that keeps a session: tmux, the terminal of the person, the folder.
# Claude Code runs as the agent's user. Nothing here changes its user: the engine starts each half as the user it
# has. So the kernel refuses the agent what it refuses every other user.
use strict;
use warnings;
use Config;

my ($sendmsg, $recvmsg) =
  map { /^x86_64/ ? (46, 47) : /^aarch64/ ? (211, 212) : die "unknown machine $_\n" } $Config{archname};
my ($unix, $stream, $sol_socket, $peer_credentials, $rights) = (1, 1, 1, 17, 1);

# Its owner is the keeper, and only the owner can make a name in it.
sub session_folder { return '/run/claude-secure-session' }
# Of the keeper alone.
sub private_folder { return session_folder() . '/private' }
# The socket where the agent's half asks for the terminal; there only while a session waits for it.
sub door { return session_folder() . '/door' }
sub session_socket { return socket $_[0], $unix, $stream, 0 }
sub door_address { return pack 'S Z*', $unix, door() }

# Returns the process id and the user of the process that made this connection.
sub peer_of {
  my ($connection) = @_;
  my $credentials = getsockopt($connection, $sol_socket, $peer_credentials) // return;
  my ($pid, $uid) = unpack 'i I', $credentials;
  return ($pid, $uid);
}

# Returns what the kernel says of a process: its parent, session and terminal, and when it started, in ticks.
sub facts_of {
  my ($pid) = @_;
  open(my $file, '<', "/proc/$pid/stat") or return;
  # The name of a program may hold anything, also parentheses.
  my ($rest) = (join '', <$file>) =~ /^.*\) (.*)$/s or return;
  my @fields = split / /, $rest;
  return { parent => $fields[1], session => $fields[3], terminal => $fields[4], started => $fields[19] };
}

# Returns the kernel's structure for one byte and the given control data, and its parts, which must outlive its use.
sub message {
  my ($byte, $vector) = ('T');
  $vector = pack 'P Q', $byte, 1;
  return (pack('Q L x4 P Q P Q i x4', 0, 0, $vector, 1, $_[0], length $_[0], 0), \$byte, \$vector);
}

sub send_terminal {
  my ($connection, $terminal) = @_;
  my $control = pack 'Q i i i x4', 20, $sol_socket, $rights, fileno $terminal;
  my ($message, @parts) = message($control);
  return syscall($sendmsg, fileno($connection), $message, 0) == 1;
}

# Returns the terminal, or undef.
sub receive_terminal {
  my ($connection) = @_;
  # The kernel writes into this, so perl must not share its memory with another string.
  my $control = '';
  vec($control, 23, 8) = 0;
  my ($message, @parts) = message($control);
  return if syscall($recvmsg, fileno($connection), $message, 0) != 1;
  my ($length, $level, $type, $descriptor) = unpack 'Q i i i', $control;
  return unless $length == 20 && $level == $sol_socket && $type == $rights;
  open(my $terminal, '+<&=', $descriptor) or return;
  return $terminal;
}

# Waits until one of these can be read; returns those that can.
sub readable {
  my ($seconds, @handles) = @_;
  my $bits = '';
  vec($bits, fileno $_, 1) = 1 for @handles;
  my $ready = $bits;
  return if select($ready, undef, undef, $seconds) <= 0;
  return grep { vec $ready, fileno $_, 1 } @handles;
}

# Reads one line of at most 100 bytes; undef if the other half does not send it in time.
sub read_line {
  my ($connection, $seconds) = @_;
  my $until = time + $seconds;
  my $line = '';
  while (length $line < 100 && time <= $until) {
    next unless readable(1, $connection);
    sysread($connection, $line, 1, length $line) or return;
    return substr $line, 0, -1 if substr($line, -1) eq "\n";
  }
  return;
}

1;
