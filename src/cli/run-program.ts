import { type Command, Option } from 'commander'
import { jsonKeys } from '../run/camel-keys.ts'
import { modelAliases } from '../run/claude-names.ts'
import { calledAs } from './called-as.ts'
import type { Invocation } from './invocation.ts'
import { outputFormats } from './run/output-format.ts'

const examples = `
Examples:
  ${calledAs()} run "fix the failing test"
  git diff | ${calledAs()} run "review this change" --effort high
  ${calledAs()} run -- "$PROMPT"   # it may begin with a dash
  ${calledAs()} run "list the licences" --json-schema schema.json
  ${calledAs()} run "update the docs" --detach   # print the id of the run

About the runs of this folder (each command has its own --help):
  ${calledAs()} run list          # the stored runs, newest first
  ${calledAs()} run result [ID]   # the result of a run
  ${calledAs()} run logs [ID]     # the steps of a run; -f follows it
  ${calledAs()} run cancel ID     # cancel a run; --all cancels every active run

A prompt with spaces works without the word run:
  ${calledAs()} "fix the failing test"

Exit status: 0 succeeded, 1 failed, 2 usage error, 3 not ended yet (run result),
124 timed out, 130 cancelled, 141 the reader of its output exited.`

/** Adds `run` and the commands about runs, each as a single word for commander: see command-line.ts. */
export function addRun(
  command: (name: string, description: string, options?: { hidden?: boolean }) => Command,
  invocation: Invocation,
) {
  const about = (name: string, description: string) => command(name, description, { hidden: true })
  const format = () =>
    new Option('--output-format <format>', 'format of stdout')
      .choices(outputFormats)
      .default('text')

  const keys = () =>
    new Option('--keys <spelling>', 'keys of JSON output (default: JSON_KEYS of .env)').choices(
      jsonKeys,
    )

  command('run', 'run a prompt in this folder without a terminal, for scripts and cron')
    .argument('[prompt]', 'the prompt; piped input is appended')
    .option('--prompt-file <file>', 'read the prompt from a file')
    .option('-p, --print', 'no effect: runs always print, as `claude -p` does')
    .option('--model <name>', `${modelAliases.join(', ')}, a full name, or inherit`)
    .addOption(format())
    .addOption(keys())
    .option('--include-partial-messages', 'stream-json: include partial messages')
    .option('--effort <level>', 'low, medium, high, xhigh, max')
    .option('--system-prompt <text>', "replace Claude Code's system prompt")
    .option('--system-prompt-file <file>', 'the same, from a file')
    .option('--append-system-prompt <text>', "append to Claude Code's system prompt")
    .option('--append-system-prompt-file <file>', 'the same, from a file')
    .option('--json-schema <schema>', 'file or JSON: a schema that the answer must match')
    .option('--continue', 'continue the conversation of the last run here (the default)')
    .option('--no-continue', 'start a new conversation')
    .option('--resume <id>', 'resume this session: `session_id` of a result')
    .option('--timeout <time>', 'cancel after this time: 90 (seconds), 10m, 1h (default: 1h)')
    .option('--max-budget-usd <amount>', 'stop when the cost reaches this amount')
    .option('--max-turns <count>', 'stop after this number of turns')
    .option('--tools <names>', 'allow only these tools, such as Bash,Read; "" for none')
    .option('--copy', 'run in a copy of the folder; `apply` writes changes back')
    .option('--wait', 'wait for the active run of this folder to end')
    .option('--ask-timeout <time>', 'wait this long for the answer to a question (default: 10m)')
    .option('-d, --detach', 'print the id of the run and return at once')
    .option('-q, --quiet', 'print only warnings and errors on stderr')
    .addHelpText('after', examples)
    .action(async (prompt, options) =>
      (await import('./commands/run.ts')).run(prompt, options, invocation),
    )

  command('answer', 'answer the question of a waiting run, or show it')
    .argument('[words...]', 'id of the run if several wait, then a choice for each question')
    .action(async words => (await import('./commands/answer.ts')).answer(words, invocation))
  about('run result', 'print the result of a run (default: the newest)')
    .argument('[id]')
    .addOption(format())
    .addOption(keys())
    .option('--wait', 'wait until it ends')
    .action(async (id, options) =>
      (await import('./commands/stored-runs.ts')).runResult(id, options, invocation),
    )
  about('run cancel', 'cancel a run, and wait until all its processes are gone')
    .argument('[id]')
    .option('-a, --all', 'cancel every active run of this folder')
    .action(async (id, options) =>
      (await import('./commands/stored-runs.ts')).runCancel(id, options, invocation),
    )
  about('run list', 'list the runs of this folder, newest first')
    .option('--json', 'print JSON')
    .action(async options => (await import('./commands/stored-runs.ts')).runList(options))
  about('run logs', 'show the steps of a run (default: the newest)')
    .argument('[id]')
    .option('-f, --follow', 'follow the run until it ends; Ctrl-C does not end the run')
    .option('--json', 'print one JSON event per line')
    .action(async (id, options) =>
      (await import('./commands/stored-runs.ts')).runLogs(id, options, invocation),
    )
  about('run supervise', 'supervise a detached run')
    .argument('<id>')
    .action(async () => (await import('./run/detach.ts')).supervise(invocation))
}
