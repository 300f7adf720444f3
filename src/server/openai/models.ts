import type { StoredToken } from '../../config/tenants.ts'
import { ModelName } from '../../run/request.ts'
import { HttpError } from '../../tenants/http-error.ts'

/** The models that GET /models lists. */
const listed = ['haiku', 'sonnet', 'opus', 'opusplan', 'fable', 'best'] as const

/** Names that mean Claude Code's own choice. */
const unnamed = new Set(['', 'claude', 'default'])

/** The name for the answer, and the one for the run; the latter is undefined for Claude Code's own choice. */
export type ChosenModel = { shown: string; model: string | undefined }

/** Reads a model's name. The part before the last slash is the name of a provider, and is dropped. */
export function parseModel(asked: string | null | undefined, token: StoredToken): ChosenModel {
  const name = (asked ?? '').slice((asked ?? '').lastIndexOf('/') + 1)
  if (unnamed.has(name)) return { shown: name || 'default', model: undefined }
  const alias = name.replace(/\[1m\]$/, '')
  const isKnown = listed.some(one => one === alias) || /^claude-./i.test(alias)
  if (isKnown && ModelName.safeParse(name).success) return { shown: name, model: name }
  throw unknownModel(name, token)
}

/** Returns the model objects that a token may use. */
export function modelObjects(token: StoredToken) {
  return namesFor(token).map(modelObject)
}

/** Returns one model object, also for a full name that the list does not have. */
export function modelNamed(asked: string, token: StoredToken) {
  const { shown } = parseModel(asked, token)
  if (token.models && !token.models.includes(shown)) throw unknownModel(shown, token)
  return modelObject(shown)
}

function namesFor({ models }: StoredToken): readonly string[] {
  return models ?? listed
}

function modelObject(id: string) {
  // The time is the same in every answer: an alias has no date of its own.
  return { id, object: 'model', created: 1_735_689_600, owned_by: 'anthropic' }
}

function unknownModel(name: string, token: StoredToken) {
  const known = namesFor(token).join(', ')
  return new HttpError(404, `model ${name.slice(0, 100)} does not exist: use one of ${known}`, {
    more: { param: 'model', code: 'model_not_found' },
  })
}
