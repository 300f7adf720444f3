import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { temporaryFolder } from '../stack/checkout.ts'
import { must, run } from '../stack/process.ts'

/** An image made from another by a few lines, with its user again. */
export async function deriveImage(
  t: Test,
  base: string,
  lines: readonly string[],
  files: Record<string, string> = {},
): Promise<string> {
  const folder = await temporaryFolder(t, 'image')
  const user = (
    await must('docker', ['image', 'inspect', '--format', '{{.Config.User}}', base])
  ).trim()
  const last = lines.some(line => line.startsWith('USER')) ? [] : [`USER ${user || '0'}`]
  await writeFile(
    join(folder, 'Dockerfile'),
    [`FROM ${base}`, 'USER 0', ...lines, ...last, ''].join('\n'),
  )
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  const tag = `claude-secure-test/${randomBytes(6).toString('hex')}:mutation`
  await must('docker', ['build', '--quiet', '--label', label, '--tag', tag, folder])
  return tag
}

const label = 'claude-secure.test=mutation'

/** To be called when no container stands on them any more. */
export async function removeDerivedImages() {
  const ids = await must('docker', ['images', '--all', '--quiet', '--filter', `label=${label}`])
  const found = [...new Set(ids.split('\n').filter(Boolean))]
  if (found.length > 0) await run('docker', ['image', 'rm', '--force', ...found])
}
