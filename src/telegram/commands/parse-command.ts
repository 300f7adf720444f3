/** The commands of the bot, as its menu shows them. */
export const commands = {
  start: 'say whether the bot is ready',
  status: 'show what is in progress in this chat',
  cancel: 'stop what is in progress',
  new: 'begin a conversation',
  model: 'choose the model',
  effort: 'choose the effort',
  verbose: 'choose what a progress message shows: 0, 1 or 2',
  system_prompt: 'replace the system prompt, or reset it',
  append_system_prompt: 'add to the system prompt, or reset it',
  config: 'show the settings of this chat',
  usage: 'show what the runs of today cost',
  bash: 'run a command in the workspace',
  fetch: 'send a file of the workspace',
  reload: 'read telegram.yml again',
} as const
export type CommandName = keyof typeof commands

export type Command = { name: CommandName; argument: string }

/**
 * Parses a command for this bot; null for any other text, which is a prompt: a prompt that begins with `/` is a command
 * of Claude Code. `name@bot` of a group is for the bot of that name alone.
 *
 * @param known further names that the bot serves
 */
export function parseCommand(
  text: string,
  bot: string,
  known: readonly string[] = Object.keys(commands),
): { name: string; argument: string } | 'other-bot' | null {
  const [, name, other, argument = ''] =
    /^\/([a-z_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?:\s+([\s\S]*))?$/.exec(text) ?? []
  if (name === undefined) return null
  if (other !== undefined && other.toLowerCase() !== bot.toLowerCase()) return 'other-bot'
  return known.includes(name) ? { name, argument: argument.trim() } : null
}
