import { readFile } from 'node:fs/promises'

export type OsRelease = { id: string; versionId: string; codename: string; name: string }

export function parseOsRelease(text: string): OsRelease {
  const values = new Map(
    text.split('\n').flatMap(line => {
      const found = /^([A-Z_]+)=(.*)$/.exec(line.trim())
      return found ? [[found[1], (found[2] ?? '').replace(/^(["'])(.*)\1$/, '$2')] as const] : []
    }),
  )
  return {
    id: values.get('ID') ?? '',
    versionId: values.get('VERSION_ID') ?? '',
    codename: values.get('VERSION_CODENAME') ?? '',
    name: values.get('PRETTY_NAME') ?? values.get('ID') ?? 'an unknown system',
  }
}

/** The machine's distribution; empty fields where it does not say. */
export async function readOsRelease(path = '/etc/os-release'): Promise<OsRelease> {
  return parseOsRelease(await readFile(path, 'utf8').catch(() => ''))
}
