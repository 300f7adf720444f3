# Puts a session's copy back to a state that was kept: files, branch and what was staged.
use strict;
use warnings;

our ($folder, $deadline);

# Returns the target tree of a return. Files that stayed out of the kept state, and that the present one has, were
# there at that time: they stay as they are.
sub target_tree {
  my ($now, $kept) = @_;
  my %left = map { $_ => 1 } @{$kept->{left}};
  return $kept->{tree} unless %left;
  my @stay = grep { is_left(\%left, $_) } changed_paths('D', $now->{tree}, $kept->{tree});
  return $kept->{tree} unless @stay;
  my $listed = need('git ls-tree', own_git('index', undef, qw(ls-tree -r -z), $now->{tree}));
  my %stays = map { $_ => 1 } @stay;
  my @entries = grep { /\t(.*)\z/s && $stays{$1} } split /\0/, $listed;
  need('git read-tree', own_git('target', undef, 'read-tree', $kept->{tree}));
  need('git update-index', own_git('target', \@entries, qw(update-index -z --index-info)));
  return line_of(own_git('target', undef, qw(write-tree --missing-ok))) // fail('git write-tree failed');
}

sub is_left {
  my ($left, $path) = @_;
  return 1 if $left->{$path};
  while ($path =~ s{/[^/]*\z}{}) { return 1 if $left->{"$path/"} }
  return 0;
}

sub changed_paths {
  my ($kinds, $from, $to) = @_;
  return split /\0/, need('git diff-tree',
    own_git('index', undef, qw(diff-tree -r -z --no-renames --name-only), "--diff-filter=$kinds", $from, $to));
}

# Returns the paths that a return would write over, and that the present state does not have: ignored files and those
# that are too large to be kept.
sub paths_in_the_way {
  my ($now, $target) = @_;
  my %gone = map { $_ => 1 } changed_paths('DT', $now->{tree}, $target);
  my %found;
  PATH: for my $path (changed_paths('A', $now->{tree}, $target)) {
    my $part = '';
    for my $name (split m{/}, $path) {
      $part .= $part eq '' ? $name : "/$name";
      lstat "$folder/$part" or next PATH;
      next if -d _ && $part ne $path;
      if (!-d _) {
        $found{$part} = 1 unless $gone{$part};
        next PATH;
      }
    }
    # A folder is where a file was.
    my $others = need('git ls-files', own_git('index', undef, qw(ls-files -z --others --), $path));
    $found{$path} = 1 if $others ne '';
  }
  return sort keys %found;
}

# Why the copy cannot go back now; undef when it can.
sub unfinished {
  my $git = git_folder();
  for my $name (qw(rebase-merge rebase-apply)) { return 'a rebase' if lstat "$git/$name" }
  return;
}

# Moves the files, then the branch. A failure leaves both as they were.
sub go_back {
  my ($now, $kept, $target) = @_;
  my @move = qw(read-tree -m -u --no-recurse-submodules);
  need('git read-tree: a file changed meanwhile, or could not be written:', own_git('index', undef, @move, $now->{tree}, $target));
  if (!move_branch($now, $kept)) {
    own_git('index', undef, @move, $target, $now->{tree});
    fail('the branch could not be moved');
  }
  my $staged = $kept->{staged} // ($kept->{head} ? "$kept->{head}^{tree}" : undef);
  # From the index: what stays the same needs not be read again.
  copy_git(undef, 'read-tree', $staged ? ('--reset', $staged) : '--empty');
  unlink map { git_folder() . "/$_" } qw(MERGE_HEAD MERGE_MSG MERGE_MODE AUTO_MERGE CHERRY_PICK_HEAD REVERT_HEAD SQUASH_MSG);
}

sub move_branch {
  my ($now, $kept) = @_;
  my ($branch, $head) = @$kept{qw(branch head)};
  my @update = qw(update-ref -m undo);
  if (!$branch) { return $head ? !(copy_git(undef, @update, '--no-deref', 'HEAD', $head))[0] : 0 }
  my $at = line_of(copy_git(undef, 'rev-parse', '--verify', '--quiet', $branch));
  my ($code) = $head ? copy_git(undef, @update, '--no-deref', $branch, $head)
    : $at ? copy_git(undef, @update, '--no-deref', '-d', $branch) : (0);
  return 0 if $code;
  return 1 unless ($now->{branch} // '') ne $branch;
  return 1 unless (copy_git(undef, qw(symbolic-ref -m undo HEAD), $branch))[0];
  copy_git(undef, @update, '--no-deref', $at ? ($branch, $at) : ('-d', $branch));
  return 0;
}

1;
