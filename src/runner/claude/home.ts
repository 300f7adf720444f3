import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { isRecord } from '../../base/json.ts'
import { readRegularFileSync, textOf } from '../../files/regular-file.ts'
import { replaceFileSync } from '../../files/replace-file.ts'
import { makeFolder, putAside } from './repair.ts'

const maxBytes = 16 * 1024 * 1024

type Json = Record<string, unknown>

const objectOf = (value: unknown): Json => (isRecord(value) ? value : {})

/**
 * Answers Claude Code's first-run questions in a config folder, and keeps all other settings.
 *
 * @param key the API key of the environment; Claude Code asks before it uses an unknown one.
 */
export function answerFirstRun(folder: string, workspace: string, key: string | undefined): void {
  makeFolder(folder)
  const path = join(folder, '.claude.json')
  const config = readConfig(path)
  const answers = firstRunAnswers(config, workspace, key)
  // Before each process that is started: usually nothing has changed.
  if (!isDeepStrictEqual(answers, config)) {
    replaceFileSync(path, `${JSON.stringify(answers, null, 2)}\n`)
  }
}

/**
 * Reads the config. The agent can write anything here, so anything but a regular file with a JSON object is
 * moved aside and does not stop the start; a pipe in its place must not block us either.
 */
function readConfig(path: string): Json {
  if (!lstatSync(path, { throwIfNoEntry: false })) return {}
  try {
    const value: unknown = JSON.parse(textOf(readRegularFileSync(path, { limit: maxBytes })) ?? '')
    if (isRecord(value)) return value
  } catch {}
  putAside(path)
  return {}
}

export function firstRunAnswers(config: Json, workspace: string, key: string | undefined): Json {
  const projects = objectOf(config.projects)
  const keys = objectOf(config.customApiKeyResponses)
  // Claude Code identifies keys by their last 20 characters. This one is the stack's placeholder.
  const known = key?.slice(-20)
  const others = (list: unknown) => (Array.isArray(list) ? list.filter(item => item !== known) : [])
  return {
    theme: 'dark',
    ...config,
    hasCompletedOnboarding: true,
    bypassPermissionsModeAccepted: true,
    ...(known && {
      customApiKeyResponses: {
        ...keys,
        approved: [...others(keys.approved), known],
        rejected: others(keys.rejected),
      },
    }),
    projects: {
      ...projects,
      [workspace]: {
        ...objectOf(projects[workspace]),
        hasTrustDialogAccepted: true,
        hasCompletedProjectOnboarding: true,
      },
    },
  }
}
