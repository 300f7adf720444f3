# The state of a session's copy as a commit: its tree has the tracked files and the untracked ones that are not ignored,
# its parent is the commit that was checked out, a second one has what was staged. The message says the rest.
use strict;
use warnings;
use Fcntl ':mode';

our ($folder, $deadline);
# A file above the first bound, and what one state adds above the second, stays out: states must not fill the disk.
my %most = (file => 10 << 20, state => 256 << 20, paths => 100_000, left => 200, kept => 50, index => 512 << 20);
my $states = 'refs/claude-turns';

# Seeds our index from the copy's, so that only what changed is read. Paths that git converts are read: here they are
# kept as they are on disk.
sub seed_index {
  my $own = own_folder();
  my ($from, $to) = (git_folder() . '/index', "$own/index");
  return if -e $to || !-f $from || -s _ > $most{index} || glob_shared();
  system('cp', '--remove-destination', '--preserve=timestamps', '--', $from, "$own/index.seed") == 0 && rename "$own/index.seed", $to or return;
  my @converted;
  for my $pathspec (map { [':/', ":(exclude,attr:!$_)"] } qw(filter ident working-tree-encoding)) {
    push @converted, attribute_paths(@$pathspec);
  }
  push @converted, attribute_paths(':(attr:eol=crlf)');
  my ($code) = @converted
    ? own_git('index', \@converted, qw(update-index --force-remove -z --stdin)) : (0);
  unlink $to if $code;
}

# A split index names a file beside it.
sub glob_shared {
  opendir(my $entries, git_folder()) or return 1;
  return grep { /^sharedindex\./ } readdir $entries;
}

sub attribute_paths {
  my ($code, $text) = run_git({GIT_DIR => git_folder(), GIT_LITERAL_PATHSPECS => 0}, undef, 'ls-files', '-z', '--', @_);
  return $code ? () : split /\0/, $text;
}

# Brings our index to what is on disk. Returns the paths that stay out.
sub refresh_index {
  my $exclude = git_folder() . '/info/exclude';
  my @exclude = -f $exclude && !-l $exclude ? ("--exclude-from=$exclude") : ();
  my @paths = (
    split(/\0/, need('git diff-files', own_git('index', undef, qw(diff-files -z --name-only --ignore-submodules=all)))),
    split(/\0/, need('git ls-files', own_git('index', undef, qw(ls-files -z --others --exclude-standard), @exclude))),
  );
  fail(scalar(@paths) . ' changed paths are too many') if @paths > $most{paths};
  my $room = available_bytes() / 10;
  $room = $most{state} if $room > $most{state};
  my (@take, @drop, @left, %link);
  for my $path (@paths) {
    # A repository of its own.
    if ($path =~ m{/\z}) { push @left, $path; next }
    my @is = lstat "$folder/$path";
    my ($mode, $size) = @is ? @is[2, 7] : (0, 0);
    if (!@is || S_ISDIR($mode) || beyond_link(\%link, $path)) { push @drop, $path; next }
    if (S_ISLNK($mode) || S_ISREG($mode) && $size <= $most{file} && $size <= $room && -r "$folder/$path") {
      $room -= $size;
      push @take, $path;
    } else {
      push @left, $path;
      push @drop, $path;
    }
  }
  need('git update-index', own_git('index', \@drop, qw(update-index --force-remove -z --stdin))) if @drop;
  need('git update-index', own_git('index', \@take, qw(update-index --add --remove --replace -z --stdin))) if @take;
  return @left;
}

sub available_bytes {
  open(my $df, '-|', 'df', '--output=avail', '--block-size=1', '--', $folder) or return 0;
  return (join('', <$df>) =~ /([0-9]+)\s*\z/)[0] // 0;
}

sub beyond_link {
  my ($known, $path) = @_;
  while ($path =~ s{/[^/]*\z}{}) {
    my $is = $known->{$path} //= -l "$folder/$path" ? 1 : 0;
    return 1 if $is;
  }
  return 0;
}

# Returns the tree of what is staged; undef in the middle of a merge.
sub staged_tree {
  my ($own, $from) = (own_folder(), git_folder() . '/index');
  return if !-f $from || -s _ > $most{index};
  system('cp', '--remove-destination', '--', $from, "$own/staged") == 0 or return;
  my $tree = line_of(run_git({GIT_DIR => git_folder(), GIT_INDEX_FILE => "$own/staged"}, undef, qw(write-tree --missing-ok)));
  unlink "$own/staged";
  return $tree;
}

# Reads the state of the copy, and stores its files as objects; no reference names them yet.
sub read_state {
  make_own();
  seed_index();
  my @left;
  # A file may change while it is read.
  eval { @left = refresh_index(); 1 } or do { @left = refresh_index() };
  my $commit = line_of(copy_git(undef, qw(rev-parse --verify --quiet HEAD^{commit})));
  return {
    tree => line_of(own_git('index', undef, qw(write-tree --missing-ok))) // fail('git write-tree failed'),
    head => is_id($commit) ? $commit : undef,
    branch => line_of(copy_git(undef, qw(symbolic-ref --quiet HEAD))),
    staged => scalar staged_tree(),
    left => \@left,
  };
}

# Keeps a state under the next number; returns the number. `more` has further lines of the message.
sub keep_state {
  my ($state, $kind, @more) = @_;
  my ($head, $staged) = @$state{qw(head staged)};
  my @parents = $head ? ('-p', $head) : ();
  my $head_tree = $head ? line_of(copy_git(undef, 'rev-parse', '--verify', '--quiet', "$head^{tree}")) : '';
  if ($staged && $staged ne ($head_tree // '')) {
    my $commit = line_of(own_git('index', \"staged\n", 'commit-tree', $staged, $head ? ('-p', $head) : ()));
    push @parents, '-p', $commit if is_id($commit);
  }
  my @left = @{$state->{left}};
  my @named = @left > $most{left} ? @left[0 .. $most{left} - 1] : @left;
  my $message = join '', map { "$_\n" } $kind, 'at ' . time, 'head ' . ($head // '-'), 'staged ' . ($staged // '-'),
    'branch ' . encode($state->{branch} // '-'), @more, (map { 'left ' . encode($_) } @named), 'lefts ' . @left;
  my $commit = need('git commit-tree', own_git('index', \$message, 'commit-tree', $state->{tree}, @parents));
  chomp $commit;
  my @numbers = state_numbers();
  my $number = (@numbers ? $numbers[-1] : 0) + 1;
  need('git update-ref', copy_git(undef, qw(-c core.logAllRefUpdates=false update-ref --no-deref),
    "$states/$number", $commit, '0' x length $commit));
  my @all = (@numbers, $number);
  my $old = join '', map { "delete $states/$_\n" } @all[0 .. $#all - $most{kept}];
  copy_git(\$old, qw(update-ref --no-deref --stdin)) if $old ne '';
  return $number;
}

sub drop_state {
  my ($number) = @_;
  copy_git(undef, 'update-ref', '--no-deref', '-d', "$states/$number");
}

sub state_numbers {
  my $text = need('git for-each-ref', copy_git(undef, qw(for-each-ref --format=%(refname)), $states));
  return sort { $a <=> $b } map { m{^\Q$states\E/([1-9][0-9]{0,8})\z} ? $1 : () } split /\n/, $text;
}

sub is_branch {
  my ($name) = @_;
  return $name =~ m{^refs/heads/[^-\x00-\x20][^\x00-\x20]*\z} && $name !~ /\.\./;
}

# Returns a kept state. Its message may be the agent's: a value of another form is left out.
sub kept_state {
  my ($number) = @_;
  fail('a state has a number') unless $number =~ /^[1-9][0-9]{0,8}\z/;
  my $commit = line_of(copy_git(undef, 'rev-parse', '--verify', '--quiet', "$states/$number^{commit}"));
  my $tree = line_of(copy_git(undef, 'rev-parse', '--verify', '--quiet', "$states/$number^{tree}"));
  fail("state $number is not kept any more") unless is_id($commit) && is_id($tree);
  my $text = need('git cat-file', copy_git(undef, 'cat-file', 'commit', $commit));
  my ($message) = $text =~ /\n\n(.*)\z/s;
  my (%state, @left);
  for my $line (split /\n/, $message // '') {
    my ($name, $value) = split / /, $line, 2;
    next unless defined $value;
    $state{$name} = $value if $name =~ /^(?:head|staged)\z/ && is_id($value);
    $state{branch} = decode($value) if $name eq 'branch' && is_branch(decode($value));
    push @left, decode($value) if $name eq 'left';
  }
  return {%state, commit => $commit, tree => $tree, left => \@left};
}

1;
