# git for the states of a session's copy. Two repositories with the same objects: the copy's own, and one in its folder
# `.git/claude-turns` that has an index of ours and no configuration of the copy: no filter, monitor or hook of it runs,
# and files are kept byte by byte. The agent can write both: nothing here decides more than what its own user may do.
use strict;
use warnings;
use Fcntl qw(:DEFAULT :flock);

our ($folder, $deadline);
my ($output_bytes, $list_bytes) = (64 << 20, 8 << 20);

sub git_folder { "$folder/.git" }
sub own_folder { "$folder/.git/claude-turns" }

sub fail { die "$_[0]\n" }

# Names are bytes; this form passes through lines and JSON.
sub encode {
  my ($bytes) = @_;
  $bytes =~ s/([^A-Za-z0-9._\/+-])/sprintf '%%%02X', ord $1/ge;
  return $bytes;
}

sub decode {
  my ($text) = @_;
  $text =~ s/%([0-9A-F]{2})/chr hex $1/ge;
  return $text;
}

# Nothing of the caller: a repository's settings of Claude Code can set variables of git.
sub clean_environment {
  my @names = map { ("GIT_${_}_NAME" => 'claude-secure', "GIT_${_}_EMAIL" => 'claude-secure@localhost') }
    qw(AUTHOR COMMITTER);
  %ENV = (
    PATH => '/usr/bin:/bin', HOME => '/nonexistent', LC_ALL => 'C', GIT_CONFIG_NOSYSTEM => 1,
    GIT_CONFIG_GLOBAL => '/dev/null', GIT_ATTR_NOSYSTEM => 1, GIT_NO_REPLACE_OBJECTS => 1, GIT_OPTIONAL_LOCKS => 0,
    GIT_TERMINAL_PROMPT => 0, GIT_NO_LAZY_FETCH => 1, GIT_ALLOW_PROTOCOL => 'none', GIT_LITERAL_PATHSPECS => 1,
    GIT_GRAFT_FILE => '/dev/null', GIT_WORK_TREE => $folder, @names,
  );
}

# Through a link, git would write to another repository, or outside of the copy.
sub refuse_links {
  my $git = git_folder();
  for my $name ('', map { "/$_" } qw(objects refs refs/heads refs/claude-turns claude-turns claude-turns/info
    claude-turns/refs)) {
    my @is = lstat "$git$name" or next;
    fail("$git$name is not a folder") unless -d _;
  }
  fail("$folder has no repository") unless -d $git && -d "$git/objects" && -d "$git/refs";
  for my $name (qw(index HEAD)) { fail("$git/$name is a symlink") if -l "$git/$name" }
  fail("$git is a part of another repository") if -e "$git/commondir" || -l "$git/commondir";
}

# Never follows a link, and never leaves a part of a file.
sub write_file {
  my ($path, $text) = @_;
  unlink "$path.new";
  sysopen(my $file, "$path.new", O_WRONLY | O_CREAT | O_EXCL, 0600) or fail("$path cannot be written: $!");
  print $file $text;
  close $file and rename "$path.new", $path or fail("$path cannot be written: $!");
}

# Returns the exit code and stdout of git. An array is the input, NUL after each part.
sub run_git {
  my ($variables, $input, @words) = @_;
  my $left = $deadline - time;
  fail('it took too long') if $left < 1;
  my $in;
  if ($input) {
    my $path = own_folder() . '/input';
    unlink $path;
    sysopen($in, $path, O_RDWR | O_CREAT | O_EXCL, 0600) or fail("$path cannot be written: $!");
    unlink $path;
    print $in map { ref $input eq 'ARRAY' ? "$_\0" : $_ } ref $input eq 'ARRAY' ? @$input : $$input;
    my $old = select $in; $| = 1; select $old;
    sysseek $in, 0, 0;
  } else {
    open($in, '<', '/dev/null') or fail("/dev/null: $!");
  }
  my $pid = open(my $out, '-|') // fail("cannot fork: $!");
  if (!$pid) {
    open(STDIN, '<&', $in);
    open(STDERR, '>', '/dev/null');
    $ENV{$_} = $variables->{$_} for keys %$variables;
    my @closed = map { ('-c', $_) } qw(core.hooksPath=/dev/null core.fsmonitor=false core.untrackedCache=false
      core.splitIndex=false core.quotePath=false core.pager=cat core.attributesFile=/dev/null core.commitGraph=false
      core.excludesFile=/etc/claude-secure/gitignore core.bigFileThreshold=16m gc.auto=0 maintenance.auto=false
      log.showSignature=false submodule.recurse=false color.ui=false advice.detachedHead=false);
    exec 'timeout', '--signal=KILL', $left, 'git', '--no-pager', @closed, @words;
    exit 127;
  }
  binmode $out;
  my $text = '';
  while (length $text <= $output_bytes) { read($out, $text, 1 << 16, length $text) or last }
  kill 'KILL', $pid if length $text > $output_bytes;
  close $out;
  return ($? & 127 ? 137 : $? >> 8, $text);
}

# git of the copy's repository, without an index of it.
sub copy_git { run_git({GIT_DIR => git_folder()}, @_) }

# git of our repository. `index` is the name of an index in its folder.
sub own_git {
  my ($index, @rest) = @_;
  my ($own, $git) = (own_folder(), git_folder());
  return run_git({GIT_DIR => $own, GIT_OBJECT_DIRECTORY => "$git/objects", GIT_INDEX_FILE => "$own/$index"}, @rest);
}

# Returns the output of a call that has to work.
sub need {
  my ($what, $code, $text) = @_;
  fail("$what failed") if $code;
  return $text;
}

sub line_of {
  my ($code, $text) = @_;
  chomp $text;
  return $code == 0 && $text ne '' ? $text : undef;
}

sub is_id { defined $_[0] && $_[0] =~ /^(?:[0-9a-f]{40}|[0-9a-f]{64})\z/ }

# Makes our repository, each time: the agent may have changed a file of it.
sub make_own {
  my $own = own_folder();
  refuse_links();
  mkdir $own, 0700;
  mkdir "$own/$_", 0700 for qw(info refs);
  refuse_links();
  for my $name (qw(index staged target)) { unlink "$own/$name" if -l "$own/$name" }
  # The lock of a call that was killed; ours is held.
  unlink map { "$own/$_.lock" } qw(index staged target);
  my $sha256 = (line_of(copy_git(undef, qw(rev-parse --show-object-format))) // '') eq 'sha256';
  my $format = $sha256 ? "\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n"
    : "\trepositoryformatversion = 0\n";
  write_file("$own/config", "[core]\n\tbare = false\n\tfileMode = true\n\tlogAllRefUpdates = false\n$format");
  write_file("$own/HEAD", "ref: refs/heads/none\n");
  write_file("$own/info/attributes", "* -text -eol -ident -filter -working-tree-encoding !diff\n");
}

# Held until this process ends: one at a time works with our index.
sub lock_own {
  my ($seconds) = @_;
  refuse_links();
  mkdir own_folder(), 0700;
  refuse_links();
  my $path = own_folder() . '/lock';
  sysopen(our $lock, $path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600) or fail("$path: $!");
  for (1 .. $seconds * 20) {
    return if flock $lock, LOCK_EX | LOCK_NB;
    select undef, undef, undef, 0.05;
  }
  fail('another state is being kept');
}

1;
