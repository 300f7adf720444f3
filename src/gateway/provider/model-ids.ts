/** Release dates that the services' names contain; the later models have none. */
const releases: Record<string, string> = {
  'claude-3-5-haiku': '20241022',
  'claude-3-7-sonnet': '20250219',
  'claude-haiku-4-5': '20251001',
  'claude-opus-4': '20250514',
  'claude-opus-4-0': '20250514',
  'claude-opus-4-1': '20250805',
  'claude-opus-4-5': '20251101',
  'claude-sonnet-4': '20250514',
  'claude-sonnet-4-0': '20250514',
  'claude-sonnet-4-5': '20250929',
}

/** Model names of the caller as ids of the service, which replace the built-in ones. */
export type ModelIds = ReadonlyMap<string, string>

/** Parses `name=id,name=id`; null for anything else. */
export function parseModelIds(text: string): ModelIds | null {
  const pairs = text
    .split(',')
    .map(pair => pair.trim())
    .filter(pair => pair !== '')
    .map(pair => /^([\w.@:[\]-]{1,80})=([\w.@:/-]{1,200})$/.exec(pair))
  if (pairs.some(pair => pair === null)) return null
  return new Map(pairs.map(pair => [pair?.[1] ?? '', pair?.[2] ?? '']))
}

/**
 * Returns the id of a model at Amazon Bedrock: an inference profile of the region's group, as Claude Code
 * chooses it. An id or ARN of Bedrock passes unchanged.
 */
export function bedrockModel(model: string, region: string, ids: ModelIds): string {
  const set = ids.get(model)
  if (set !== undefined) return set
  if (/^arn:|(^|\.)anthropic\./.test(model)) return model
  const { name, date } = split(model)
  const version = name === 'claude-opus-4-6' ? '-v1' : date ? `-${date}-v1:0` : ''
  return `${profileGroup(region)}.anthropic.${name.replace(/-4-0$/, '-4')}${version}`
}

function profileGroup(region: string): string {
  if (region.startsWith('us-gov-')) return 'us-gov'
  if (region.startsWith('us-')) return 'us'
  if (region.startsWith('eu-')) return 'eu'
  return region.startsWith('ap-') ? 'apac' : 'global'
}

/** Returns the foundation model of an inference profile: tokens can be counted for no other. */
export function foundationModel(id: string): string {
  return id.replace(/^(us|eu|apac|jp|au|us-gov|global)\.(?=anthropic\.)/, '')
}

/** Returns the id of a model at Google Vertex AI. */
export function vertexModel(model: string, ids: ModelIds): string {
  const set = ids.get(model)
  if (set !== undefined) return set
  const { name, date } = split(model)
  return `${name.replace(/-4-0$/, '-4')}${date ? `@${date}` : ''}`
}

/** Splits a name into model and release date, without the size of the window. */
function split(model: string): { name: string; date: string | undefined } {
  const [, name = model, date] = /^(.+?)(?:[-@](\d{8}))?(?:\[1m\])?$/.exec(model) ?? []
  return { name, date: date ?? releases[name] }
}
