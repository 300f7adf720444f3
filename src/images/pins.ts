import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { UserError } from '../base/errors.ts'

const PinnedPackage = z.strictObject({
  name: z.string().regex(/^(@[a-z0-9-]+\/)?[a-z0-9-]+$/),
  version: z.string().regex(/^\d+\.\d+\.\d+$/, 'must be a released version'),
  integrity: z.string().regex(/^sha512-[A-Za-z0-9+/]{86}==$/, 'must be sha512-…'),
})
export type PinnedPackage = z.infer<typeof PinnedPackage>

const perArchitecture = z.strictObject({ x64: PinnedPackage, arm64: PinnedPackage })

/** What the images are made of, to the byte where that is possible. `update` moves it. */
export const Pins = z.strictObject({
  debian: z.strictObject({
    suite: z.string().regex(/^[a-z]+$/),
    image: z.string(),
    /**
     * Digest of the official image for all architectures. Null until someone verified one: then the
     * base comes from the Debian mirror, or from the image that BASE_IMAGE names.
     */
    digest: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/)
      .nullable(),
    /** A newer day makes `build` take Debian's packages, and with them their security fixes, anew. */
    packagesOf: z.iso.date(),
  }),
  claude: perArchitecture,
  node: perArchitecture,
  npm: PinnedPackage,
})
export type Pins = z.infer<typeof Pins>

export type Architecture = keyof Pins['node']

export function pinsPath(root: string): string {
  return join(root, 'pins.json')
}

export function parsePins(text: string, path: string): Pins {
  try {
    return Pins.parse(JSON.parse(text))
  } catch (error) {
    const problem =
      error instanceof z.ZodError ? z.prettifyError(error).split('\n').join(' ') : 'not JSON'
    throw new UserError(`${path} is damaged: ${problem}`, {
      hint: `take it back from git: git -C ${join(path, '..')} checkout pins.json`,
      cause: error,
    })
  }
}

export async function readPins(root: string): Promise<Pins> {
  const path = pinsPath(root)
  return parsePins(await readFile(path, 'utf8'), path)
}

export function parseArchitecture(arch: string = process.arch): Architecture {
  if (arch === 'x64' || arch === 'arm64') return arch
  throw new UserError(`this machine is ${arch}; Claude Code comes for x64 and arm64`, {
    hint: 'run claude-secure on a machine of one of these kinds',
  })
}
