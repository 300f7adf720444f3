import { readFileSync } from 'node:fs'

const dockerfile = readFileSync(new URL('../../../claude/Dockerfile', import.meta.url), 'utf8')

/** Prints the list that the agent is told of, and what dpkg has; for `comparableLists`. */
export const listsScript = [
  "sed -n '/^# Tools/,$p' /etc/claude-code/CLAUDE.md",
  'echo =====',
  `dpkg-query --show --showformat='\${Package} \${Priority} \${Version}\\n'`,
].join('; ')

/** The packages that a target's steps ask for by name. */
export function packagesOfTarget(target: 'minimal' | 'full'): string[] {
  const text = target === 'full' ? dockerfile : (dockerfile.split(/^FROM minimal /m)[0] ?? '')
  return [
    ...text.matchAll(/apt-get install -qy --no-install-recommends \\\n([\s\S]*?)\n && /g),
  ].flatMap(([, names = '']) => names.split(/[\s\\]+/).filter(name => name !== ''))
}

/**
 * Both as `name version`, in one order: what the agent is told, and what is there of the packages that
 * were asked for. Essential packages are told as one.
 */
export function comparableLists(output: string, asked: readonly string[]) {
  const [list = '', installed = ''] = output.split('=====\n')
  const told = [...list.matchAll(/^- ([a-z0-9][a-z0-9+.-]+) (\d[^\s:]*): /gm)]
    .map(([, name, version]) => `${name} ${version}`)
    .sort()
  const there = installed
    .trim()
    .split('\n')
    .map(line => line.split(' '))
    .filter(([name = '', priority]) => asked.includes(name) && priority !== 'required')
    .map(([name, , version = '']) => `${name} ${version.replace(/^\d+:|-[^-]*$/g, '')}`)
    .sort()
  return { told, there }
}
