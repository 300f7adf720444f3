import { lstat, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { confinedPath } from '../../files/beneath.ts'
import { readRegularFile } from '../../files/regular-file.ts'

/** Maximum bytes of one skill, and of all: every request to the model carries them. */
const largestSkill = 256 * 1024
const largestTogether = 1024 * 1024
/** Maximum folder depth and total entries: a deeper or wider tree does not hold skills. */
const deepest = 8
const mostEntries = 10_000

/** The second name is claudebox's. */
const folders = ['always-skills', '.always-skills']

/**
 * Returns the text of each `SKILL.md` below the always-skills folder, sorted by path, to append to the
 * system prompt; null when there is none.
 *
 * @param folder real path of the user's additions folder.
 */
export async function readAlwaysSkills(folder: string): Promise<string | null> {
  const skills = await listAlwaysSkills(folder, folders)
  return skills.length === 0 ? null : renderSkills(skills)
}

/** A skill; `path` is relative to the folder it was found in. */
export type Skill = { path: string; text: string }

/** Returns the skills below these folders of `folder`, sorted by path. */
export async function listAlwaysSkills(folder: string, names: readonly string[]): Promise<Skill[]> {
  const files: string[] = []
  for (const name of names) {
    const path = join(folder, name)
    const status = await lstat(path).catch(() => null)
    if (status && !status.isDirectory())
      throw refused(path, 'is not a folder', 'replace it with a folder')
    if (status) files.push(...(await skillFiles(path)))
  }
  const skills: Skill[] = []
  let bytes = 0
  for (const path of files.sort((a, b) => (a < b ? -1 : 1))) {
    const content = await readSkill(path, folder)
    bytes += content.length
    if (bytes > largestTogether) {
      const hint = 'shorten them, because every request to the model carries them'
      throw refused(path, `makes all skills together larger than ${largestTogether} bytes`, hint)
    }
    skills.push({ path: relative(folder, path), text: decode(path, content) })
  }
  return skills
}

/** Renders each skill with its path, so that the model can tell them apart. */
export function renderSkills(skills: readonly Skill[]): string {
  const parts = skills.map(({ path, text }) => `## ${terminalLine(path)}\n\n${text.trim()}\n`)
  return `# Skills that always apply\n\n${parts.join('\n')}`
}

async function skillFiles(top: string): Promise<string[]> {
  const found: string[] = []
  let entries = 0
  const walk = async (folder: string, depth: number) => {
    if (depth > deepest)
      throw refused(folder, `is more than ${deepest} folders deep`, 'move it to a higher folder')
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      entries += 1
      if (entries > mostEntries)
        throw refused(top, `holds more than ${mostEntries} entries`, 'remove some of them')
      const path = join(folder, entry.name)
      if (entry.isDirectory()) await walk(path, depth + 1)
      else if (entry.name === 'SKILL.md') found.push(path)
    }
  }
  await walk(top, 1)
  return found
}

/** Follows symlinks only within the additions folder: a skill must not show the model another file. */
async function readSkill(path: string, folder: string): Promise<Buffer> {
  const real = await confinedPath(folder, path)
  if (real === null) {
    throw refused(path, 'is a symlink that leads out of the folder', 'copy the file there')
  }
  const file = await readRegularFile(real, { limit: largestSkill })
  if (file.kind === 'bytes') return file.bytes
  if (file.kind === 'too-large') {
    throw refused(path, `is larger than ${largestSkill} bytes`, 'shorten it')
  }
  throw refused(path, 'is not a regular file', 'remove it')
}

function decode(path: string, content: Buffer): string {
  if (content.includes(0)) throw refused(path, 'holds NUL bytes', 'replace it with a text file')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    throw refused(path, 'is not UTF-8', 'save it as UTF-8')
  }
}

function refused(path: string, what: string, hint: string) {
  return new UserError(`the skill ${terminalLine(path)} ${what}`, { hint })
}
