import { chown, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { StoredTokens } from '../../src/config/tenants.ts'
import { residentMemory } from '../../tests/support/stack/process-memory.ts'
import type { Figure } from '../figure.ts'
import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import { createApiClient } from '../server/api-client.ts'
import type { ServerPart } from '../system.ts'
import { timed } from '../timed-command.ts'

/** Requests of one sample: one alone is shorter than the machine's other work. */
const requests = 20

/** How the answers of a server grow with its stored runs, and with its tokens. */
export const serverGrowthRow: Row = {
  id: 'P14',
  part: 'server',
  async measure({ server, containers }, repetitions) {
    if (!server?.growth) return null
    return [
      ...(await measureRuns(server, server.growth, containers?.server, repetitions)),
      ...(await measureTokens(server, server.growth, repetitions)),
    ]
  },
}

type Growth = NonNullable<ServerPart['growth']>

async function measureRuns(
  { url }: ServerPart,
  { fewRuns, manyRuns, ratio }: Growth,
  container: string | undefined,
  repetitions: number,
): Promise<Figure[]> {
  const few = createApiClient({ url, token: fewRuns })
  const many = createApiClient({ url, token: manyRuns })
  const newestOf = async (api: typeof few) => {
    const { runs } = JSON.parse(await api.must('GET', '/status')) as { runs: { runId: string }[] }
    return `/run/result?runId=${runs[0]?.runId}`
  }
  const again = (api: typeof few, path: string) => () =>
    timed(async () => {
      for (let i = 0; i < requests; i++) await api.must('GET', path)
    })
  const memory = { before: 0, after: 0 }
  try {
    const [oneOfFew, oneOfMany] = [await newestOf(few), await newestOf(many)]
    await again(few, '/status')()
    if (container) memory.before = await residentMemory(container)
    const samples = await interleave(repetitions, {
      fewListed: again(few, '/status'),
      manyListed: again(many, '/status'),
      oneOfFew: again(few, oneOfFew),
      oneOfMany: again(many, oneOfMany),
    })
    if (container) memory.after = await residentMemory(container)
    const common = { row: 'P14', unit: 'ms' } as const
    const figures: Figure[] = [
      {
        ...{ ...common, what: `server: \`GET /status\` of ${ratio} times more stored runs` },
        ...{ ours: samples.manyListed, baseline: samples.fewListed },
        target: { kind: 'ratio-at-most', ratio },
      },
      {
        ...{ ...common, what: `server: one result among ${ratio} times more stored runs` },
        ...{ ours: samples.oneOfMany, baseline: samples.oneOfFew },
        target: { kind: 'ratio-at-most', ratio: 1.2 },
      },
    ]
    if (!container) return figures
    const what = `server: memory after ${requests * (repetitions + 1)} lists of them, against before`
    const { before, after } = memory
    return [
      ...figures,
      {
        ...{ row: 'P14', what, unit: 'MiB', ours: [after], baseline: [before] },
        target: { kind: 'ratio-at-most', ratio: 1.5 },
      },
    ]
  } finally {
    few.close()
    many.close()
  }
}

/** Rewrites the file of tokens in turns; the server reads it again by itself. */
async function measureTokens(
  { url, token }: ServerPart,
  { tokens: path, addedTokens }: Growth,
  repetitions: number,
): Promise<Figure[]> {
  const text = await readFile(path, 'utf8')
  const stored = StoredTokens.parse(JSON.parse(text))
  const more = Array.from({ length: addedTokens }, (_, index) => ({
    ...{ name: `bench-${index}`, tenant: 'main', createdAt: new Date(0).toISOString() },
    sha256: index.toString(16).padStart(64, '0'),
  }))
  const all = JSON.stringify({ ...stored, tokens: [...more, ...stored.tokens] })
  const api = createApiClient({ url, token })
  const with_ = (content: string) => async () => {
    await replace(path, content)
    // The server looks at most every 100 ms, at a request.
    await sleep(300)
    await api.must('GET', '/run/result?runId=0000000000000000').catch(() => '')
    return timed(async () => {
      for (let i = 0; i < requests * 5; i++) await api.ask('GET', '/nothing-here')
    })
  }
  try {
    const samples = await interleave(repetitions, { ours: with_(all), baseline: with_(text) })
    const count = `${(stored.tokens.length + addedTokens).toLocaleString('en')} tokens`
    return [
      {
        ...{ row: 'P14', unit: 'ms', ...samples },
        what: `server: an answer with ${count}, against ${stored.tokens.length}`,
        target: { kind: 'ratio-at-most', ratio: 1.5 },
      },
    ]
  } finally {
    await replace(path, text)
    api.close()
  }
}

/** As `serve token add` does: the server never sees half a file. */
async function replace(path: string, text: string) {
  const { uid, gid } = await stat(path)
  await writeFile(`${path}.bench`, text, { mode: 0o400 })
  await chown(`${path}.bench`, uid, gid)
  await rename(`${path}.bench`, path)
}
