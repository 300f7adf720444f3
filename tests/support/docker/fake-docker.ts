import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { temporaryFolder } from '../stack/checkout.ts'

/** A program of a test's own, as the body of a shell script, to stand before the real one in PATH. */
export async function fakeProgram(t: Test, name: string, script: string): Promise<string> {
  const folder = await temporaryFolder(t, 'bin')
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return folder
}

/**
 * A docker client: `cases` are the branches of a shell `case` over its arguments, joined by spaces,
 * and come before the plugins' versions.
 */
export function fakeDocker(
  t: Test,
  options: { compose?: string; buildx?: string; cases?: string } = {},
): Promise<string> {
  const { compose = '2.26.1', buildx = '0.13.1', cases = '' } = options
  return fakeProgram(
    t,
    'docker',
    `case "$*" in
${cases}
'compose version --short') echo ${compose} ;;
'buildx version') echo github.com/docker/buildx ${buildx} ;;
*) echo "unexpected: docker $*" >&2; exit 99 ;;
esac`,
  )
}
