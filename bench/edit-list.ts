import { readFile, rename, writeFile } from 'node:fs/promises'
import type { System } from './system.ts'

type Gate = NonNullable<System['gate']>

/** Puts names on the allowlist while `body` runs; passes `body` the time at which the file was saved. */
export async function withNames<T>(
  { file, after, entry }: Gate,
  names: readonly string[],
  body: (saved: number) => Promise<T>,
): Promise<T> {
  const before = await readFile(file, 'utf8')
  const lines = names.map(name => `\n${entry.replace('NAME', name)}`).join('')
  try {
    const edited = before.replace(after, `${after}${lines}`)
    if (edited === before) throw new Error(`${file} has no line: ${after}`)
    await save(file, edited)
    return await body(Date.now())
  } finally {
    await save(file, before)
  }
}

/** Replaces the file as editors do: a proxy must never read half a file. */
async function save(file: string, text: string) {
  await writeFile(`${file}.bench`, text)
  await rename(`${file}.bench`, file)
}

/** Waits longer than any proxy takes to notice an edit. */
export function settled(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 2_000))
}
