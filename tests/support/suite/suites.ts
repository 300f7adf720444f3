import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../..')

export type Suite = {
  name: string
  needsEngine: boolean
  /** Seconds that one file may take. */
  timeout: number
}

export const suites: readonly Suite[] = [
  { name: 'unit', needsEngine: false, timeout: 60 },
  { name: 'integration', needsEngine: false, timeout: 120 },
  { name: 'stack', needsEngine: false, timeout: 60 },
  { name: 'e2e', needsEngine: true, timeout: 900 },
]

export function testFiles({ name }: Suite): string[] {
  const folder = join('tests', name)
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.test.ts'))
    .sort()
    .map(path => join(folder, path))
}

/** The suite that a test file belongs to. */
export function suiteOf(file: string): Suite | undefined {
  return suites.find(({ name }) => file.startsWith(`tests/${name}/`))
}
