#!/usr/bin/env -S sh -c 'self=$0; [ ! -L "$0" ] || self=$(realpath "$0"); case $self in /*) ;; *) self=$PWD/$self ;; esac; . "${self%/*}/bin/tsrun"'

const argv = process.argv.slice(2)
const [command = ''] = argv

/** A session and most commands need nothing of what `run` begins early. */
const mayRun =
  command === 'run' || (/^-|\s/.test(command) && !/^(-h|--help|-V|--version)$/.test(command))

/** Each step loads what it needs and no more: a session that already runs needs no command line. */
async function start(): Promise<number> {
  if (command === 'start') {
    const status = await (await import('./src/cli/reattach.ts')).reattach(argv)
    if (status !== null) return status
  }
  const client = mayRun
    ? await (await import('./src/cli/run/early-client.ts')).earlyClient(argv)
    : null
  return (await import('./src/cli/main.ts')).main(argv, client)
}

void start().then(status => {
  process.exitCode = status
})
