import { realpath } from 'node:fs/promises'
import { createProblems, messageOf, systemCode, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { MountSetting } from '../../config/custom-mounts.ts'
import { isBelow } from '../../files/beneath.ts'
import { type OwnPlace, sensitivePathReason, unmountableReason } from './sensitive-paths.ts'

/** A host folder or file that the user mounts into the agent's containers. */
export type DeclaredMount = {
  /** Real path on the host. */
  source: string
  target: string
  writable: boolean
}

/**
 * Resolves the declared mounts and rejects any that would give the agent more than data. Checks the
 * resolved path, because the engine mounts that: a symlink to ~/.ssh is ~/.ssh.
 */
export async function resolveMounts(
  settings: readonly MountSetting[],
  own: readonly OwnPlace[],
): Promise<DeclaredMount[]> {
  const mounts: DeclaredMount[] = []
  const problems = createProblems()
  for (const setting of settings) {
    try {
      mounts.push(await resolveMount(setting, own))
    } catch (error) {
      problems.add(error)
    }
  }
  problems.throwIfAny()
  // The agent can create symlinks where it can write: no other mount may be resolved through there.
  for (const { source } of mounts) {
    const above = mounts.find(one => one.writable && isBelow(one.source, source))
    if (above) {
      throw new UserError(
        `${terminalLine(source)} lies in ${terminalLine(above.source)}, which the agent can write`,
        { hint: 'mount only the outer folder, or mount it with :ro' },
      )
    }
  }
  return mounts
}

async function resolveMount(
  { name, source, target, writable }: MountSetting,
  own: readonly OwnPlace[],
): Promise<DeclaredMount> {
  const real = await realpath(source).catch((cause: unknown) => {
    throw new UserError(`${name}: ${terminalLine(source)} cannot be mounted: ${codeOf(cause)}`, {
      hint: 'name an existing folder or file, or remove the line from .env',
      cause,
    })
  })
  const reason = (await sensitivePathReason(real, writable, own)) ?? (await unmountableReason(real))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is refused
  const strange = /[\x00-\x1f\x7f:]/.test(real)
    ? 'its real path holds a colon or control characters'
    : null
  if (reason ?? strange) {
    throw new UserError(
      `${name}: ${terminalLine(real)} cannot be given to the agent: ${terminalLine(reason ?? strange ?? '')}`,
      { hint: 'copy the files that the agent needs into a separate folder, and mount that' },
    )
  }
  return { source: real, target, writable }
}

function codeOf(error: unknown) {
  return systemCode(error) ?? messageOf(error)
}
