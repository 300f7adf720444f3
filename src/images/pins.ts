import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { replaceFile } from '../files/replace-file.ts'
import { PinnedPackage, type ViewOptions, viewPackage } from './npm-view.ts'

export type { PinnedPackage }

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

/** Major version of Node.js; an update must not change it. */
const nodeLine = '24'
const npmLine = '11'

export type PinChange = { name: string; before: string; after: string }

/**
 * Returns the newest pins in the user's registry, or the newest that are old enough. `claudeVersion`
 * selects a version of Claude Code,
 * which may be an older one.
 */
export async function newestPins(
  pins: Pins,
  options: ViewOptions & { today: string; claudeVersion?: string },
): Promise<Pins> {
  const { today, claudeVersion = 'latest' } = options
  const view = (pin: PinnedPackage, range: string) => viewPackage(pin, range, options)
  const [claudeX64, claudeArm64, nodeX64, nodeArm64, npm] = await Promise.all([
    view(pins.claude.x64, claudeVersion),
    view(pins.claude.arm64, claudeVersion),
    view(pins.node.x64, nodeLine),
    view(pins.node.arm64, nodeLine),
    view(pins.npm, npmLine),
  ])
  return {
    debian: { ...pins.debian, packagesOf: today },
    claude: { x64: claudeX64, arm64: claudeArm64 },
    node: { x64: nodeX64, arm64: nodeArm64 },
    npm,
  }
}

/** Returns the pins with another version of Claude Code. */
export async function withClaudeVersion(
  pins: Pins,
  version: string,
  options: { npm?: string; signal?: AbortSignal } = {},
): Promise<Pins> {
  if (!/^\d+\.\d+\.\d+$/.test(version)) {
    throw new UserError(`--claude-version ${terminalLine(version, 40)} is not a version`, {
      hint: `use a form such as --claude-version ${pins.claude.x64.version}`,
      exitCode: 2,
    })
  }
  const [x64, arm64] = await Promise.all([
    viewPackage(pins.claude.x64, version, options),
    viewPackage(pins.claude.arm64, version, options),
  ])
  return { ...pins, claude: { x64, arm64 } }
}

export function changedPins(before: Pins, after: Pins): PinChange[] {
  const rows: PinChange[] = [
    ...(['claude', 'node'] as const).flatMap(kind =>
      (['x64', 'arm64'] as const).map(architecture => ({
        name: before[kind][architecture].name,
        before: before[kind][architecture].version,
        after: after[kind][architecture].version,
      })),
    ),
    { name: before.npm.name, before: before.npm.version, after: after.npm.version },
    {
      name: `Debian ${before.debian.suite} packages`,
      before: before.debian.packagesOf,
      after: after.debian.packagesOf,
    },
  ]
  return rows.filter(row => row.before !== row.after)
}

export async function writePins(root: string, pins: Pins): Promise<void> {
  await replaceFile(pinsPath(root), `${JSON.stringify(pins, null, 2)}\n`, { mode: 0o644 })
}
