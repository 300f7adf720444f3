import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { parseCustomEnvironment } from '../config/custom-environment.ts'
import { parseCustomMounts } from '../config/custom-mounts.ts'
import { setEnvLine } from '../config/env-file.ts'
import {
  parseAssignment,
  parseSettingName,
  renderAssignment,
  weakening,
} from '../config/folder-settings.ts'
import { readFolderSettings } from '../config/load-settings.ts'
import { customPrefixes, isCustomName } from '../config/setting-names.ts'
import { Settings } from '../config/settings.ts'
import { withLock } from '../stack/state/lock.ts'
import { claimState } from '../stack/state/owner.ts'
import { makeStateFolder, stateFolder } from '../stack/state/state-folder.ts'
import { currentIdentity, ownedStackName } from './find-stacks.ts'

/** Sets and removes settings of the current folder. Changes nothing when one of them is not valid. */
export async function setFolderSettings(
  assignments: readonly string[],
  unset: readonly string[],
  { log, signal }: { log: Log; signal: AbortSignal },
): Promise<void> {
  const given = assignments.map(parseAssignment)
  const lines = given.map(({ name, value }) => {
    validate(name, value)
    return { name, line: lineOf(name, value) }
  })
  const removed = unset.map(typed => ({ name: parseSettingName(typed), line: null }))
  const identity = await currentIdentity()
  const state = stateFolder(await ownedStackName(identity))
  const changed = await withLock(identity.name, { log, signal }, async () => {
    await makeStateFolder(state)
    await claimState(identity, state)
    // An unreadable file must be reported before it is changed.
    const before = await readFolderSettings(state.settings)
    for (const { name } of removed) {
      if (!(name in before)) log({ kind: 'info', text: `${name} was not set for this folder` })
    }
    for (const { name, line } of [...lines, ...removed]) {
      await setEnvLine(state.settings, name, line)
    }
    return lines.length > 0 || removed.some(({ name }) => name in before)
  })
  if (!changed) return
  for (const { name, value } of given) {
    const text = weakening(name, value)
    if (text !== null) log({ kind: 'warn', text })
  }
  log({
    kind: 'info',
    text: `run ${command('start')} to apply it; docs/configuration.md says when`,
  })
}

function lineOf(name: string, value: string) {
  const line = renderAssignment(name, value)
  if (line !== null) return line
  throw new UserError(`the value of ${name} has every kind of quotes, and cannot be stored`, {
    hint: 'leave one of them out',
    exitCode: 2,
  })
}

/** Checks a value as `start` would, so that a mistake is reported now. */
function validate(name: string, value: string) {
  if (isCustomName(name)) {
    const [family] = Object.values(customPrefixes).filter(prefix => name.startsWith(prefix))
    const own = { [name.slice(family?.length)]: value }
    if (family === customPrefixes.mount) parseCustomMounts(own, [])
    else parseCustomEnvironment(own, [])
    return
  }
  const result = Settings.partial().safeParse({ [name]: value })
  if (result.success) return
  throw new UserError(`${name}: "${value}" ${result.error.issues[0]?.message ?? 'is not valid'}`, {
    hint: `.env.example describes the values of ${name}`,
    exitCode: 2,
  })
}
