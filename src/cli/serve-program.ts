import { type Command, Option } from 'commander'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { calledAs } from './called-as.ts'
import type { Invocation } from './invocation.ts'
import { repeatable } from './repeatable.ts'

const examples = `
Examples:
  ${calledAs()} serve up --rehearsal   # try it with a scripted model, without an account
  ${calledAs()} serve up               # start it, or apply changed settings and tenants
  ${calledAs()} serve status
  ${calledAs()} serve logs server -f
  ${calledAs()} serve token add alice --tenant alice --usd-per-day 5
  ${calledAs()} serve allow registry.example.com --for 2h --tenant alice
  ${calledAs()} serve audit
  ${calledAs()} serve down

Settings are in .env, tenants in tenants.yaml of your custom folder: docs/server.md.`

/** Adds `serve` and its commands, each as a single word for commander: see command-line.ts. */
export function addServe(
  command: (name: string, description: string, options?: { hidden?: boolean }) => Command,
  invocation: Invocation,
) {
  const about = (name: string, description: string) =>
    command(name, description, { hidden: true }).option(
      '--name <name>',
      'name of the server, if you have several (default: main)',
    )

  command(
    'serve',
    'run the server (HTTP API, schedules, Telegram): up, down, status, logs, token, allow, deny, audit',
  )
    .argument('<action>', 'up, down, status, logs, token, allow, deny or audit')
    .addHelpText('after', examples)
    .action((action: string) => {
      throw new UserError(`serve ${terminalLine(action, 40)} is not a command`, {
        hint: `run ${calledAs()} serve up, down, status, logs, allow, deny, audit, or token add, list, revoke`,
        exitCode: 2,
      })
    })
  about('serve up', 'start the server, or apply changed settings and tenants')
    .option('--rehearsal', 'use a scripted model; needs no account')
    .option('--no-auth', 'serve without a token, on a loopback address only')
    .option('--api', 'answer the HTTP API (the default)')
    .option(
      '--schedules',
      'run the jobs of cron.yml at their times; without --api, no port is published',
    )
    .option('--telegram', 'serve a Telegram bot; without --api, no port is published')
    .option('-f, --force', 'end runs that are in progress if something has changed')
    .action(async options => (await import('./commands/serve.ts')).up(options, invocation))
  about('serve down', 'stop the server; keep files, conversations, results and tokens')
    .option('-f, --force', 'do not ask when runs are active')
    .action(async options => (await import('./commands/serve.ts')).down(options, invocation))
  about('serve status', 'show services, tenants, tokens and runs of the server')
    .option('--json', 'print JSON')
    .action(async options => (await import('./commands/serve.ts')).status(options, invocation))
  about('serve logs', 'show the log of a service of the server')
    .argument('[service]', 'server, ingress, gateway, proxy or worker-TENANT', 'server')
    .option('-f, --follow', 'follow the log')
    .option('-n, --lines <count>', 'number of lines to show from the end', '100')
    .option('--json', 'print the lines as the service wrote them')
    .action(async (service, options) =>
      (await import('./commands/serve.ts')).logs(service, options, invocation),
    )
  about('serve allow', 'open names to the agents of a tenant for a time, below grantable_sites')
    .argument('<names...>', 'host names or URLs')
    .option('--for <time>', 'expire after this time: 30m, 2h, 7d', '1h')
    .option('--tenant <name>', 'only for this tenant (default: every tenant)')
    .option('--json', 'print JSON')
    .action(async (names, options) =>
      (await import('./commands/serve-grants.ts')).grant(names, options, invocation),
    )
  about('serve deny', 'end grants before their time')
    .argument('<names...>', 'host names or URLs, as for serve allow')
    .option('--tenant <name>', 'only for this tenant (default: every tenant)')
    .option('--json', 'print JSON')
    .action(async (names, options) =>
      (await import('./commands/serve-grants.ts')).endGrant(names, options, invocation),
    )
  about('serve audit', 'attack the running server from each worker, and report each control')
    .option('--json', 'print JSON')
    .addOption(
      new Option('--sarif', 'print SARIF 2.1.0, for code scanning').conflicts(['json', 'list']),
    )
    .option('-p, --probe <id...>', 'run only these probes, such as W1')
    .option('-l, --list', 'list the probes without running them')
    .action(async options =>
      invocation.setStatus(
        await (await import('./commands/audit.ts')).auditServer(options, invocation),
      ),
    )
  about('serve token', 'add, list and revoke tokens of the HTTP API')
    .argument('<action>', 'add, list or revoke')
    .argument('[name]', 'name of the token: records, logs and metrics have it')
    .option('--tenant <name>', 'add: the tenant that it belongs to (default: main)')
    .option('--workspace <name>', 'add: only this workspace of the tenant (repeatable)', repeatable)
    .option('--model <name>', 'add: only this model (repeatable)', repeatable)
    .option('--mode <name>', 'add: api, files, openai, mcp or metrics (repeatable)', repeatable)
    .option('--usd-per-day <amount>', 'add: dollars that it may use in a day (UTC)')
    .option('--tokens-per-day <count>', 'add: tokens of the model that it may use in a day (UTC)')
    .option('--strict-status', 'add: answer a failure of the model with an HTTP error')
    .option('--json', 'list: print JSON')
    .action(async (action, name, options) =>
      (await import('./commands/serve-token.ts')).token(action, name, options, invocation),
    )
}
