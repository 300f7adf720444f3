#!/usr/bin/env -S sh -c 'self=$0; [ ! -L "$0" ] || self=$(realpath "$0"); case $self in /*) ;; *) self=$PWD/$self ;; esac; . "${self%/*}/bin/tsrun"'
import { reattach } from './src/cli/reattach.ts'

const argv = process.argv.slice(2)
void reattach(argv)
  .then(async status => status ?? (await import('./src/cli/main.ts')).main(argv))
  .then(status => {
    process.exitCode = status
  })
