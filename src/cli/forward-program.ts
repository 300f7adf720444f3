import { type Command, Option } from 'commander'
import { calledAs } from './called-as.ts'
import type { Invocation } from './invocation.ts'

const examples = `
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
    .addHelpText('after', examples)
    .action(async (ports, options) =>
      (await import('./commands/forward.ts')).forward(ports, options, invocation),
    )
}
