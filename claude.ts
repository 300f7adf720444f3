#!/usr/bin/env -S sh -c 'self=$0; [ ! -L "$0" ] || self=$(realpath "$0"); case $self in /*) ;; *) self=$PWD/$self ;; esac; . "${self%/*}/bin/tsrun"'
import { reattach } from './src/cli/reattach.ts'

const argv = process.argv.slice(2)

/** A session and most commands need nothing of what `run` begins early. */
const mayRun = ([first = '']: readonly string[]) => first === 'run' || /^-|\s/.test(first)

void reattach(argv)
  .then(async status => {
    if (status !== null) return status
    const client = mayRun(argv)
      ? await (await import('./src/cli/run/early-client.ts')).earlyClient(argv)
      : null
    return (await import('./src/cli/main.ts')).main(argv, client)
  })
  .then(status => {
    process.exitCode = status
  })
