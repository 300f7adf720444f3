import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NodeMajor } from './other-node.ts'

const root = join(import.meta.dirname, '../../..')

export type Suite = {
  name: string
  needsEngine: boolean
  /** Whether `npm test` has it; `npm run test:all` has them all. */
  standard: boolean
  /** Seconds that one file may take. */
  timeout: number
  /** Processes or lanes side by side. */
  processes: number
  env?: Record<string, string>
  /** Another Node.js than the installed one. */
  node?: NodeMajor
}

// The limits are for what hangs: a file of half a minute takes five on a machine that is busy.
const plain = { needsEngine: false, standard: true, timeout: 900, processes: 2 }
const others = { needsEngine: true, standard: false, timeout: 1800, processes: 3 }
// What needs no engine, on the Node.js versions that are not installed.
const otherNode = { needsEngine: false, standard: false, timeout: 900, processes: 3 }

export const suites: readonly Suite[] = [
  // Its files wait for the disk and for programs as much as they compute.
  { ...plain, name: 'unit', processes: 3 },
  // Its files wait for programs more than they compute.
  { ...plain, name: 'integration', processes: 3 },
  { ...plain, name: 'stack' },
  // What needs the Node.js of the images: its SQLite.
  { ...plain, name: 'server', node: '24' },
  // The test network has no parts for more: see support/stack/address-part.ts.
  { name: 'e2e', needsEngine: true, standard: true, timeout: 1800, processes: 3 },
  // The files of e2e and integration whose subject is beside the stack: each run of `.ci/run` has them, `npm test` has not.
  { ...others, name: 'tools' },
  // The files of unit, integration and e2e that repeat something, with the full number of repetitions.
  { ...others, name: 'soak', env: { TEST_SOAK: '1' } },
  // Takes one control out at a time, and looks whether its probe notices.
  { ...others, name: 'mutation' },
  { ...others, name: 'chaos' },
  // Builds the full image and custom ones.
  { ...others, name: 'images' },
  { ...otherNode, name: 'node22', node: '22' },
  { ...otherNode, name: 'node24', node: '24' },
]

export function testFiles(suite: Suite): string[] {
  return allTestFiles().filter(file => belongsTo(file, suite))
}

/** The suite that a test file runs in when it is named by itself. */
export function suiteOf(file: string): Suite | undefined {
  return suites.find(
    ({ name, ...suite }) => !/^(soak|node\d+)$/.test(name) && belongsTo(file, { name, ...suite }),
  )
}

export function allTestFiles(): string[] {
  return readdirSync(join(root, 'tests'), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.test.ts'))
    .sort()
    .map(path => join('tests', path))
}

const imageFiles = ['custom-image', 'full-image', 'full-tools', 'services-postgres'].map(
  name => `tests/e2e/${name}.test.ts`,
)

/**
 * Git in a mounted folder, shells, a browser, the signers of other model APIs, the own checkout; and what a
 * user adds to a stack or surrounds it with: databases, scripts and skills, a company's proxy, a closed
 * umask, the figures of usage, many or very many stacks and connections, the browser login, the end
 * of a copy and of the installation.
 */
const toolFiles = [
  'completion',
  'copy-terminal',
  'customisation',
  'forward',
  'git',
  'git-elsewhere',
  'git-honesty',
  'git-ssh',
  'leave-copy',
  'load',
  'login-mode',
  'machine',
  'machine-many',
  'model-upstreams',
  'parent-proxy',
  'predecessor',
  'same-name',
  'self-update',
  'server',
  'server-contract',
  'server-soak',
  'server-openai',
  'server-telegram',
  'server-walls',
  'services',
  'session-forge',
  'tools',
  'umask',
  'uninstall',
  'usage',
  'web',
  'web-page',
  'web-session',
].map(name => `tests/e2e/${name}.test.ts`)

/** The files of integration whose subject is beside the stack: stand-ins, and the user's own signers. */
const besideTheStack = ['credentials/signer', 'git/sign-commits', 'telegram/stand-in'].map(
  name => `tests/integration/${name}.test.ts`,
)

function belongsTo(file: string, { name }: Suite): boolean {
  const endToEnd = /^tests\/e2e\/[^/]+$/.test(file)
  switch (name) {
    case 'e2e':
      return endToEnd && !imageFiles.includes(file) && !toolFiles.includes(file)
    case 'images':
      return imageFiles.includes(file)
    case 'tools':
      return toolFiles.includes(file) || besideTheStack.includes(file)
    case 'integration':
      return file.startsWith('tests/integration/') && !besideTheStack.includes(file)
    case 'soak':
      return (
        (endToEnd || /^tests\/(unit|integration)\//.test(file)) &&
        readFileSync(join(root, file), 'utf8').includes('support/soak.ts')
      )
    case 'node22':
    case 'node24':
      return /^tests\/(unit|integration|stack)\//.test(file)
    case 'mutation':
    case 'chaos':
      return file.startsWith(`tests/e2e/${name}/`)
    default:
      return file.startsWith(`tests/${name}/`)
  }
}
