import { el } from './dom.ts'

/** Lines of a patch on the page; the rest is for the command line. */
const mostLines = 20_000

/** Renders a patch line by line. Its texts are the agent's, with hidden characters made visible by the server. */
export function renderPatch(patch: string): { element: HTMLElement; left: number } {
  const lines = patch.split('\n')
  if (lines.at(-1) === '') lines.pop()
  let inHunk = false
  const rows = lines.slice(0, mostLines).map(line => {
    if (line.startsWith('diff --git ')) inHunk = false
    if (line.startsWith('@@ ')) inHunk = true
    return el('span', { class: kindOf(line, inHunk) }, `${line}\n`)
  })
  return {
    element: el('pre', { class: 'patch', tabindex: '0' }, ...rows),
    left: Math.max(0, lines.length - mostLines),
  }
}

function kindOf(line: string, inHunk: boolean): string {
  if (line.startsWith('@@ ')) return 'hunk'
  if (!inHunk) return 'file'
  return { '+': 'plus', '-': 'minus' }[line[0] ?? ''] ?? 'same'
}
