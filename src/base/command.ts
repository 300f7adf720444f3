/**
 * Marks one of our commands in a message: `run ${command('setup')}`. Only a surface knows how its users
 * type the command, so it calls `renderCommands` where it shows the message.
 */
export function command(words: string): string {
  return `${open}${words}${close}`
}

/** Replaces each marked command with the result of `render`. */
export function renderCommands(text: string, render: (words: string) => string): string {
  return text.replace(marked, (_, words: string) => render(words))
}

// Private-use characters. `terminalText` removes them, so that hostile text cannot mark anything.
const open = '\uE000'
const close = '\uE001'
const marked = new RegExp(`${open}([^${open}${close}]*)${close}`, 'g')
