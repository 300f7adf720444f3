import { lstat, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { replaceFile } from '../../files/replace-file.ts'
import { listAlwaysSkills, type Skill } from '../../stack/additions/always-skills.ts'
import { isConsented, rememberConsent } from '../../stack/additions/consent.ts'
import type { Context } from '../context.ts'

/** claudebox's folder, below the user's `~/.claude`. */
const theirs = '.always-skills'
const refusal = 'no to the skills of claudebox'
const shown = 10

/** Folder of the skills that were taken over, below the user's additions. */
export const takenSkills = join('always-skills', 'from-claudebox')

export type SkillPlaces = {
  /** The user's `~/.claude`. */
  claude: string
  /** The user's additions folder, which may be missing. */
  additions: string
  /** State of all stacks, where a refusal is remembered. */
  state: string
}

/**
 * Offers to copy claudebox's skills into the user's additions, once for each content. Never takes them by
 * itself: containers of claudebox can write that folder, and a skill directs every agent. True when copied.
 */
export async function offerSkills(
  { log, confirm, canAsk }: Pick<Context, 'log' | 'confirm' | 'canAsk'>,
  { claude, additions, state }: SkillPlaces,
): Promise<boolean> {
  const target = join(additions, takenSkills)
  if (await lstat(target).catch(() => null)) return false
  const from = terminalLine(join(claude, theirs))
  let skills: Skill[]
  try {
    // Confined to this folder: `~/.claude` beside it holds credentials, which a symlink could name.
    skills = await listAlwaysSkills(join(claude, theirs), ['.'])
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    log({ kind: 'warn', text: `the skills of claudebox are not used: ${messageOf(error)}` })
    return false
  }
  const content = JSON.stringify(skills)
  if (skills.length === 0 || (await isConsented({ path: state }, refusal, content))) return false
  const count = `${skills.length} ${skills.length === 1 ? 'skill' : 'skills'}`
  if (!canAsk) {
    const text = `${from} has ${count} that the agent does not have: copy them to ${terminalLine(join(additions, 'always-skills'))}, or start in a terminal`
    log({ kind: 'info', text })
    return false
  }
  log({ kind: 'info', text: `${from} has ${count}, as claudebox uses them:` })
  for (const { path, text } of skills.slice(0, shown)) {
    log({ kind: 'info', text: `  ${terminalLine(path)} (${Buffer.byteLength(text)} bytes)` })
  }
  if (skills.length > shown) log({ kind: 'info', text: `  and ${skills.length - shown} more` })
  if (!(await confirm('Copy them into your additions, for every agent?'))) {
    await mkdir(state, { recursive: true, mode: 0o700 })
    await rememberConsent({ path: state }, refusal, content)
    return false
  }
  for (const { path, text } of skills) {
    const file = join(target, path)
    await mkdir(dirname(file), { recursive: true, mode: 0o755 })
    await replaceFile(file, text, { mode: 0o644 })
  }
  log({ kind: 'info', text: `copied ${count} to ${terminalLine(target)}` })
  return true
}
