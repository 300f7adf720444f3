import type { Command } from 'commander'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { calledAs } from './called-as.ts'
import type { Invocation } from './invocation.ts'

const examples = `
Examples:
  ${calledAs()} serve up --schedules        # start a server that runs the jobs of cron.yml
  ${calledAs()} schedule list
  ${calledAs()} schedule run nightly        # now, in addition to its times
  ${calledAs()} schedule history nightly
  ${calledAs()} schedule history --export ~/.claude/cron/history   # as claudebox's folders
  ${calledAs()} schedule pause              # all jobs, until schedule resume

Jobs are in schedules/cron.yml of your custom folder: docs/schedules.md.`

const load = () => import('./commands/schedule.ts')

/** Adds `schedule` and its commands, each as a single word for commander: see command-line.ts. */
export function addSchedule(
  command: (name: string, description: string, options?: { hidden?: boolean }) => Command,
  invocation: Invocation,
) {
  const about = (name: string, description: string) =>
    command(name, description, { hidden: true })
      .option('--name <name>', 'name of the server, if you have several (default: main)')
      .option('--json', 'print JSON')

  command(
    'schedule',
    "the server's jobs of cron.yml and chats: list, run, history, pause, resume, remove",
  )
    .argument('<action>', 'list, run, history, pause, resume or remove')
    .addHelpText('after', examples)
    .action((action: string) => {
      throw new UserError(`schedule ${terminalLine(action, 40)} is not a command`, {
        hint: `run ${calledAs()} schedule list, run JOB, history, pause, resume or remove JOB`,
        exitCode: 2,
      })
    })
  about('schedule list', 'list the jobs, when they fire next, and which are paused').action(
    async options => (await load()).list(options, invocation),
  )
  about('schedule run', 'start a job now, in addition to its times')
    .argument('<job>', 'name of the job')
    .action(async (job, options) => (await load()).runNow(job, options, invocation))
  about('schedule history', 'list the runs of a job, or of all jobs, newest first')
    .argument('[job]', 'name of the job')
    .option('-n, --lines <count>', 'number of runs to show (default: 20) or export (default: all)')
    .option('--export <folder>', "copy the runs to a folder, as claudebox's folders, named in UTC")
    .action(async (job, options) => (await load()).history(job, options, invocation))
  about('schedule pause', 'pause a job, or all jobs, until schedule resume')
    .argument('[job]', 'name of the job')
    .action(async (job, options) => (await load()).setPaused('pause', job, options, invocation))
  about('schedule resume', 'resume a paused job, or all jobs')
    .argument('[job]', 'name of the job')
    .action(async (job, options) => (await load()).setPaused('resume', job, options, invocation))
  about('schedule remove', 'remove a job that was added in a chat')
    .argument('<job>', 'name of the job')
    .action(async (job, options) => (await load()).remove(job, options, invocation))
}
