import { type Command, Option } from 'commander'
import type { Invocation } from './invocation.ts'
import { outputFormats } from './run/options.ts'

const examples = `
Examples:
  ./claude.ts run "fix the failing test"
  git diff | ./claude.ts run "review this change" --effort high
  ./claude.ts run -- "$PROMPT"                      whatever the prompt begins with
  ./claude.ts run "list the licences" --json-schema schema.json --output-format json
  ./claude.ts run "update the docs" --detach        prints an id

Of the runs of this folder, each with a --help of its own:
  ./claude.ts run list            those that are kept, newest first
  ./claude.ts run result [ID]     what came of one
  ./claude.ts run logs [ID]       what it did, step by step; -f goes on until it ends
  ./claude.ts run cancel ID       cancel it; --all for all that run

A prompt with spaces needs no word before it: ./claude.ts "fix the failing test".
Exit status: 0 done, 1 failed, 2 wrong usage, 124 out of time, 130 cancelled,
141 whoever read its output went away.`

/** Adds `run` and the commands about runs, each as a single word for commander: see command-line.ts. */
export function addRun(
  command: (name: string, description: string, options?: { hidden?: boolean }) => Command,
  invocation: Invocation,
) {
  const about = (name: string, description: string) => command(name, description, { hidden: true })
  const format = () =>
    new Option('--output-format <format>', 'what stdout gets')
      .choices(outputFormats)
      .default('text')

  command('run', 'run a prompt in this folder, without a terminal: for scripts and cron')
    .argument('[prompt]', 'also from a pipe, which is added to it')
    .option('--prompt-file <file>', 'the prompt, from a file')
    .option('-p, --print', 'nothing: runs always print (as `claude -p`)')
    .option('--model <name>', 'opus, sonnet, haiku, opusplan, sonnet[1m] or a full name')
    .addOption(format())
    .option('--include-partial-messages', 'stream-json: also the pieces of each message')
    .option('--effort <level>', 'low, medium, high, xhigh, max')
    .option('--system-prompt <text>', "in place of Claude Code's own")
    .option('--system-prompt-file <file>', 'the same, from a file')
    .option('--append-system-prompt <text>', "after Claude Code's own")
    .option('--append-system-prompt-file <file>', 'the same, from a file')
    .option('--json-schema <schema>', 'a file or JSON: the form of the answer, which is checked')
    .option('--continue', 'go on with the last run of this folder (the default)')
    .option('--no-continue', 'begin a new conversation')
    .option('--resume <id>', 'go on with this session: `session_id` of a result')
    .option('--timeout <time>', 'cancel it after 90 (seconds), 10m, 1h (default: 1h)')
    .option('--max-budget-usd <amount>', 'stop when it has cost so much')
    .option('--max-turns <count>', 'stop after so many turns')
    .option('--tools <names>', 'only these tools, such as Bash,Read; "" for none')
    .option('--copy', 'in a copy of the folder; `apply` brings changes back')
    .option('--wait', 'wait for a run that is under way in this folder')
    .option('--ask-timeout <time>', 'how long a question of the model waits (default: 10m)')
    .option('-d, --detach', 'print the id of the run and leave it to itself')
    .option('-q, --quiet', 'nothing on stderr but warnings and errors')
    .addHelpText('after', examples)
    .action(async (prompt, options) =>
      (await import('./commands/run.ts')).run(prompt, options, invocation),
    )

  command('answer', 'answer the question of a run that waits, or show it')
    .argument('[words...]', 'the run, unless only one waits; then a choice for each question')
    .action(async words => (await import('./commands/answer.ts')).answer(words, invocation))
  about('run result', 'print what came of a run (default: the newest)')
    .argument('[id]')
    .addOption(format())
    .option('--wait', 'wait for its end')
    .action(async (id, options) =>
      (await import('./commands/run-result.ts')).runResult(id, options, invocation),
    )
  about('run cancel', 'cancel a run, and wait until nothing of it is left')
    .argument('[id]')
    .option('-a, --all', 'all runs of this folder')
    .action(async (id, options) =>
      (await import('./commands/run-cancel.ts')).runCancel(id, options, invocation),
    )
  about('run list', 'show the runs of this folder, newest first')
    .option('--json', 'for scripts')
    .action(async options => (await import('./commands/run-list.ts')).runList(options))
  about('run logs', 'show what a run did (default: the newest)')
    .argument('[id]')
    .option('-f, --follow', 'go on until it ends; Ctrl-C ends the watching, not the run')
    .option('--json', 'its events, one a line')
    .action(async (id, options) =>
      (await import('./commands/run-logs.ts')).runLogs(id, options, invocation),
    )
  about('run supervise', 'watch over a detached run')
    .argument('<id>')
    .action(async () => (await import('./run/detach.ts')).supervise(invocation))
}
