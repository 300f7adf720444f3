import { join } from 'node:path'
import { terminalLine } from '../../base/terminal-text.ts'
import type { RunStarter } from '../../tenants/run-starter.ts'
import type { Messages, Spot } from '../bot-api/messages.ts'
import {
  isResetWord,
  type OpenChatSettings,
  parseChoice,
  type SettingName,
} from '../chat-settings.ts'
import type { ChatFile } from '../chats/chat-file.ts'
import type { ChatPlaces } from '../chats/chat-place.ts'
import type { Sessions } from '../chats/sessions.ts'
import { choiceKeyboard } from '../choice-keyboard.ts'
import type { RunJobs } from '../jobs/run-jobs.ts'
import { openSentFile } from '../sent-files.ts'
import type { CommandName } from './parse-command.ts'
import { readUsageText } from './usage-text.ts'

/** Who gave a command, and where. */
export type Given = {
  spot: Spot
  /** The id by which telegram.yml knows the chat. */
  home: number
  message: number
  user: number
  argument: string
}

export type CommandParts = {
  messages: Messages
  file: ChatFile
  places: ChatPlaces
  chosen: OpenChatSettings
  sessions: Sessions
  runJobs: RunJobs
  starter: Pick<RunStarter, 'spentToday'>
  usageFolder: string
}

type Handler = (given: Given) => Promise<void>

/** Makes the commands that answer at once. `bash` is a job: see `handle-message.ts`. */
export function createCommands(parts: CommandParts): Record<Exclude<CommandName, 'bash'>, Handler> {
  const { messages, file, places, chosen, sessions, runJobs, starter, usageFolder } = parts
  const say = ({ spot, message }: Given, text: string) =>
    messages.say(spot, text, { replyTo: message })

  /** Sets a text that a chat chooses, shows it without one, or takes it back. */
  const setting =
    (name: SettingName): Handler =>
    async given => {
      const { argument, home } = given
      if (argument === '') {
        const { settings, verbose } = places.rulesOf(home)
        const value = name === 'verbose' ? String(verbose) : settings[name]
        await say(
          given,
          `${name}: ${value ?? 'not set'}\nSend /${name} reset to take a choice back.`,
        )
        return
      }
      const isReset = isResetWord(argument)
      const value = isReset ? null : parseChoice(name, argument)
      await chosen.choose(home, name, value)
      await say(given, isReset ? `${name} reset` : `${name} set`)
    }

  const keyboard =
    (name: 'model' | 'effort'): Handler =>
    async given => {
      if (given.argument !== '') return setting(name)(given)
      const current = places.rulesOf(given.home).settings[name]
      await messages.say(given.spot, `${name}: ${current ?? 'default'}`, {
        replyTo: given.message,
        buttons: choiceKeyboard(name, current),
      })
    }

  return {
    start: async given => void (await say(given, 'claude bot ready')),

    async status(given) {
      // Of this chat alone: another's prompts are not its business.
      const busy = runJobs.of(given.spot.chat)
      const lines = busy.map(({ prompt, kind }) => {
        const what = kind === 'bash' ? '/bash ' : ''
        return `busy: ${what}${terminalLine(prompt, 100)}`
      })
      await say(given, lines.length === 0 ? 'all clear' : lines.slice(0, 20).join('\n'))
    },

    async cancel(given) {
      const count = runJobs.cancel(given.spot)
      await say(given, count > 0 ? 'cancelled' : 'nothing running')
    },

    async new(given) {
      sessions.reset(given.spot)
      await say(given, 'the next message begins a conversation')
    },

    model: keyboard('model'),
    effort: keyboard('effort'),
    verbose: setting('verbose'),
    system_prompt: setting('system_prompt'),
    append_system_prompt: setting('append_system_prompt'),

    async config(given) {
      const rules = places.rulesOf(given.home)
      const { caller, workspace } = await places.roomOf(given.home)
      const { model, effort, system_prompt, append_system_prompt } = rules.settings
      const shown = (text: string | undefined) =>
        text === undefined ? 'not set' : terminalLine(text, 500)
      await say(
        given,
        [
          `tenant: ${caller.tenant.name}`,
          `workspace: ${terminalLine(workspace, 200)}`,
          `model: ${model ?? 'default'}`,
          `effort: ${effort ?? 'default'}`,
          `continue: ${rules.continues}`,
          `verbose: ${rules.verbose}`,
          `max_budget_usd: ${rules.maxBudgetUsd ?? 'not set'}`,
          `system_prompt: ${shown(system_prompt)}`,
          `append_system_prompt: ${shown(append_system_prompt)}`,
        ].join('\n'),
      )
    },

    async usage(given) {
      const caller = places.callerOf(given.home)
      const text = await readUsageText({
        caller,
        spent: await starter.spentToday(caller.token.name),
        folder: join(usageFolder, caller.tenant.name),
      })
      await say(given, text)
    },

    async fetch(given) {
      const { argument, home, spot, message } = given
      if (argument === '') {
        await say(given, 'which file? send /fetch PATH')
        return
      }
      const { folder, workspace } = await places.roomOf(home)
      const open = () => openSentFile({ workspace: folder, workerPath: workspace, path: argument })
      // Its refusal has words of its own.
      const { file: opened } = await open()
      await opened.close()
      const sent = await messages.file(spot, open, { replyTo: message })
      if (sent.kind === 'failed') await say(given, 'Telegram did not take the file')
    },

    async reload(given) {
      const problem = file.reload()
      const text =
        problem === null
          ? 'reloaded'
          : `not reloaded, the earlier settings stay in force: ${terminalLine(problem, 1_000)}`
      await say(given, text)
    },
  }
}
