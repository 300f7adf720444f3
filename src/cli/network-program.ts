import { type Command, Option } from 'commander'
import { calledAs } from './called-as.ts'
import type { Invocation } from './invocation.ts'

/** The earlier name of `--server`; services are now the user's own, beside the agent. */
const earlierName = () => new Option('--services').hideHelp()

/** Adds the commands of the egress gate: the allowlist, and the decisions of the proxy. */
export function addPolicy(
  command: (name: string, description: string) => Command,
  invocation: Invocation,
) {
  command('allow', 'add names to the allowlist; takes effect within a second')
    .argument('<names...>', 'host names, URLs, or @npm @debian @github @pypi @go @crates')
    .option('--here', 'only for this folder')
    .option('--port <number>', 'one port other than 443 of one name')
    .option('--no-tls', 'do not expect TLS on that port')
    .option('--private <range>', 'let the name resolve to this private network: 10.2.0.0/16')
    .option('--for <time>', 'expire after this time: 30m, 2h, 7d')
    .option('--server', 'edit the list of the server stack, not of the agent')
    .option('--grantable', 'edit the ceiling of serve allow; opens nothing by itself')
    .addOption(earlierName())
    .option('--subdomains', 'include all subdomains')
    .option('--force', 'allow shared domains, where anyone can host content')
    .option('--dry-run', 'show what would change')
    .option('--json', 'print JSON')
    .action(async (names, options) =>
      (await import('./commands/policy.ts')).allow(names, options, invocation),
    )
  command('deny', 'remove names from the allowlist')
    .argument('<names...>', 'names, URLs or presets, as for allow')
    .option('--here', "only from this folder's own list")
    .option('--port <number>', 'only the grant for this port')
    .option('--server', 'edit the list of the server stack')
    .option('--grantable', 'edit the ceiling of serve allow')
    .addOption(earlierName())
    .option('--subdomains', 'remove the entry for all subdomains')
    .option('--dry-run', 'show what would change')
    .option('--json', 'print JSON')
    .action(async (names, options) =>
      (await import('./commands/policy.ts')).deny(names, options, invocation),
    )
  command('allowlist', 'show the allowlists, and when entries expire')
    .option('--json', 'print JSON')
    .action(async options => (await import('./commands/policy.ts')).allowlist(options))
  command('log', 'show the decisions of the proxy')
    .option('--denied', 'show only denied requests')
    .option('-f, --follow', 'follow the log')
    .option('--since <time>', 'show decisions since 10m ago, or since 2026-11-21T18:00:00Z')
    .option('--json', 'print one JSON object per line')
    .action(async options => (await import('./commands/log.ts')).log(options, invocation))
}

const forwardExamples = `
Examples:
  ${calledAs()} forward 5173             # until Ctrl-C
  ${calledAs()} forward 3000:8080 5432   # 3000 as 8080 of this host
  ${calledAs()} forward --detach 5173    # in the background
  ${calledAs()} forward --close 5173

Listens on 127.0.0.1 only. Read docs/forward.md before you open pages of the
agent in your browser.`

/** Adds `forward`. */
export function addForward(
  command: (name: string, description: string) => Command,
  invocation: Invocation,
) {
  command('forward', "open ports of the agent's container on this host's loopback")
    .argument('[ports...]', 'PORT, or PORT:LOCAL for another port of this host')
    .option('-d, --detach', 'forward in the background')
    .addOption(new Option('-l, --list', 'list the open forwards').conflicts(['close', 'detach']))
    .addOption(new Option('--close', 'close these ports of this host, or all').conflicts('detach'))
    .option('--worker', 'ports of the container of runs')
    .option('--json', 'with --list: print JSON')
    .addOption(new Option('--supervised', 'answer with one line').hideHelp())
    .addHelpText('after', forwardExamples)
    .action(async (ports, options) =>
      (await import('./commands/forward.ts')).forward(ports, options, invocation),
    )
}
