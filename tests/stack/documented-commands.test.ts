import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { commandLine } from '../../src/cli/command-line.ts'
import { createProgram } from '../../src/cli/program.ts'

const top = join(import.meta.dirname, '../..')
const pages = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'README.md', 'docs'], {
  cwd: top,
  encoding: 'utf8',
})
  .split('\n')
  // Decisions tell how something was at their time.
  .filter(path => path.endsWith('.md') && !path.startsWith('docs/decisions/'))

const program = createProgram({
  signal: new AbortController().signal,
  verbose: false,
  completes: true,
  log: () => {},
  confirm: async () => false,
  canAsk: false,
  setStatus: () => {},
})
const found = (name: string) =>
  program.commands.find(command => command.name() === name || command.aliases().includes(name))

/** The command lines of a page: after the program's name, up to the end of the code or of the command. */
function documented(page: string): string[][] {
  const text = readFileSync(join(top, page), 'utf8').replaceAll('\\\n', ' ')
  const lines = text.matchAll(/(?:\bclaude\.ts|\bclaude-secure)"? ([a-z][^`\n|;&#>)]*)/g)
  return [...lines].map(([, words = '']) =>
    // Quoted text is a prompt or a schema, not an option.
    words
      .replace(/'[^']*'?|"[^"]*"?/g, ' QUOTED ')
      .split(/[\s,[\]…]+/)
      .filter(Boolean),
  )
}

const code = (page: string) =>
  documented(page).flatMap(words => {
    const [name = '', ...rest] = commandLine(words)
    const command = found(name)
    return command
      ? [{ page, words, command, options: rest.filter(word => /^--?[a-z]/.test(word)) }]
      : []
  })
const all = pages.flatMap(code)

t.test('the pages name commands', async t => {
  t.ok(all.length > 150, `${all.length} command lines`)
  const guides = all.filter(({ page }) => page.startsWith('docs/guides/'))
  t.ok(guides.length > 10, `${guides.length} in the guides`)
})

t.test('every option of a command in a page exists', async t => {
  const unknown = all.flatMap(({ page, words, command, options }) =>
    options
      .map(option => option.replace(/=.*/, ''))
      .filter(option => !['--verbose', '--help', '-h'].includes(option))
      .filter(option => !command.options.some(({ long, short }) => [long, short].includes(option)))
      .map(option => `${page}: ${words.join(' ')}: ${option}`),
  )
  t.same(unknown, [])
})

t.test('every command in a block of shell exists', async t => {
  const unknown = pages.flatMap(page => {
    const blocks = readFileSync(join(top, page), 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)
    const names = [...blocks].flatMap(([, text = '']) => [
      ...text.matchAll(/^(?:\S*\/claude\.ts|claude-secure) ([a-z][a-z-]*)/gm),
    ])
    return names.flatMap(([, name = '']) => (found(name) ? [] : [`${page}: ${name}`]))
  })
  t.same(unknown, [])
})

t.test('the README names every command of --help', async t => {
  const text = readFileSync(join(top, 'README.md'), 'utf8')
  const named = new Set([...text.matchAll(/`([a-z-]+)[^`]*`/g)].map(([, name]) => name))
  const shown = program.createHelp().visibleCommands(program)
  const missing = shown.map(command => command.name()).filter(name => !name.includes(' '))
  t.ok(missing.length > 30, `${missing.length} commands`)
  t.same(
    missing.filter(name => !named.has(name) && name !== 'complete'),
    [],
  )
})
