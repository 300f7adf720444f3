import type { StoredToken } from '../../config/tenants.ts'
import { modelNamed, modelObjects } from '../openai/models.ts'

/** Lists the models of a token in the form of Anthropic's API, on one page. */
export function modelPage(token: StoredToken) {
  const data = modelObjects(token).map(({ id, created }) => modelInfo(id, created))
  const [first, last] = [data[0], data.at(-1)]
  return { data, has_more: false, first_id: first?.id ?? null, last_id: last?.id ?? null }
}

export function modelInfoNamed(asked: string, token: StoredToken) {
  const { id, created } = modelNamed(asked, token)
  return modelInfo(id, created)
}

function modelInfo(id: string, created: number) {
  const created_at = new Date(created * 1_000).toISOString()
  return { type: 'model', id, display_name: id, created_at }
}
