#!/usr/bin/env -S sh -c 'self=$0; [ ! -L "$0" ] || self=$(realpath "$0"); case $self in /*) ;; *) self=$PWD/$self ;; esac; . "${self%/*}/bin/tsrun"'
const argv = ['build', ...process.argv.slice(2)]
void import('./src/cli/main.ts')
  .then(({ main }) => main(argv))
  .then(status => {
    process.exitCode = status
  })

export {}
