/**
 * Marks a command of ours in a message: `run ${command('setup')}`. Layers below a surface do not know how
 * a person types it; the surface does, and calls `renderCommands` where it shows the message.
 */
export function command(words: string): string {
  return `${open}${words}${close}`
}

/** Replaces each marked command by what `render` makes of its words. */
export function renderCommands(text: string, render: (words: string) => string): string {
  return text.replace(marked, (_, words: string) => render(words))
}

// Private-use characters. `terminalText` removes them, so that hostile text cannot mark anything.
const open = '\uE000'
const close = '\uE001'
const marked = new RegExp(`${open}([^${open}${close}]*)${close}`, 'g')
