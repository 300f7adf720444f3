import { join } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../../base/json.ts'
import { readRegularFileSync, textOf } from '../../files/regular-file.ts'
import { inheritedModel } from '../../run/claude-names.ts'
import { ModelName, type RunRequest } from '../../run/request.ts'
import type { Workspace } from '../workspace.ts'

const Chosen = z.looseObject({ model: ModelName })
const settingsBytes = 1024 * 1024

/**
 * Returns the `--model` of a process; undefined for none. `--model` is for one run: a resumed session would
 * keep the model of its last run, so that a resume names the model that a new session would have.
 */
export function modelToLaunch(
  asked: string | undefined,
  session: 'fresh' | 'resume',
  workspace: Workspace,
): string | undefined {
  if (asked === inheritedModel) return undefined
  if (asked !== undefined || session === 'fresh') return asked
  return modelOfSettings(workspace) ?? 'default'
}

/** Returns the model in the settings files that Claude Code reads, in its order; null for none. */
function modelOfSettings({ path, home }: Workspace): string | null {
  const files = [
    join(path, '.claude/settings.local.json'),
    join(path, '.claude/settings.json'),
    join(home, '.claude/settings.json'),
  ]
  for (const file of files) {
    // The agent can write them. Claude Code rejects a file that it cannot parse, too.
    const chosen = Chosen.safeParse(parseJson(read(file) ?? ''))
    if (chosen.success) return chosen.data.model
  }
  return null
}

function read(file: string): string | null {
  try {
    return textOf(readRegularFileSync(file, { limit: settingsBytes }))
  } catch {
    return null
  }
}

/** Returns the request without `inherit`, which a session without a past cannot do. */
export function withoutInherited<Request extends Pick<RunRequest, 'model'>>(
  request: Request,
): Request {
  return request.model === inheritedModel ? { ...request, model: undefined } : request
}
