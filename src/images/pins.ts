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

/** The parts of the images, pinned to the byte where possible. `update` changes them. */
export const Pins = z.strictObject({
  debian: z.strictObject({
    suite: z.string().regex(/^[a-z]+$/),
    image: z.string(),
    /**
     * Digest of the official image for all architectures. Null until a digest is verified: until
     * then the base comes from the Debian mirror, or from the image that BASE_IMAGE names.
     */
    digest: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/)
      .nullable(),
    /** A newer date makes `build` fetch Debian's packages again, with their security fixes. */
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
    throw new UserError(`${path} is not valid: ${problem}`, {
      hint: `run git -C ${join(path, '..')} checkout pins.json to restore it`,
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
  throw new UserError(`this machine is ${arch}, but Claude Code supports only x64 and arm64`, {
    hint: 'run claude-secure on a machine with one of these architectures',
  })
}
