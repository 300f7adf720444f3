#!/usr/bin/env -S sh -c 'self=$0; [ ! -L "$0" ] || self=$(realpath "$0"); case $self in /*) ;; *) self=$PWD/$self ;; esac; . "${self%/*}/bin/tsrun"'
import { reattach } from './src/cli/reattach.ts'
import { earlyClient } from './src/cli/run/early-client.ts'

const argv = process.argv.slice(2)
void reattach(argv)
  .then(async status => {
    if (status !== null) return status
    const client = await earlyClient(argv)
    return (await import('./src/cli/main.ts')).main(argv, client)
  })
  .then(status => {
    process.exitCode = status
  })
