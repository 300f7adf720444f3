import type { Database } from './database.ts'

/** A record under its key, as JSON gave it back: parse it before use. */
export type Entry = { key: string; value: unknown }

/**
 * Small durable records of a surface, such as the updates that a bot has still to handle. A write survives the death
 * of the process; one within `durable` also the loss of power.
 */
export type Records = {
  get: (kind: string, key: string) => unknown
  /** Returns the records of a kind in the order of their keys. */
  list: (kind: string, options?: { limit?: number; after?: string }) => Entry[]
  count: (kind: string) => number
  put: (kind: string, key: string, value: unknown) => void
  remove: (kind: string, key: string) => void
  /** Does all of the work, or nothing of it. */
  durable: <T>(work: () => T) => T
}

const listLimit = 100_000

/** Opens the records of one surface in the database of the server. */
export function createRecords(database: Database, surface: string): Records {
  const p = database.prepare
  const statements = {
    get: p('SELECT body FROM records WHERE surface = ? AND kind = ? AND key = ?'),
    list: p(
      'SELECT key, body FROM records WHERE surface = ? AND kind = ? AND key > ? ORDER BY key LIMIT ?',
    ),
    count: p('SELECT count(*) AS count FROM records WHERE surface = ? AND kind = ?'),
    put: p(
      `INSERT INTO records (surface, kind, key, body) VALUES (?, ?, ?, ?)
       ON CONFLICT (surface, kind, key) DO UPDATE SET body = excluded.body`,
    ),
    remove: p('DELETE FROM records WHERE surface = ? AND kind = ? AND key = ?'),
  }
  const bodyOf = (row: Record<string, unknown>): unknown => JSON.parse(String(row.body))
  return {
    get(kind, key) {
      const row = statements.get.get(surface, kind, key)
      return row === undefined ? null : bodyOf(row)
    },
    list: (kind, { limit = listLimit, after = '' } = {}) =>
      statements.list
        .all(surface, kind, after, limit)
        .map(row => ({ key: String(row.key), value: bodyOf(row) })),
    count: kind => Number(statements.count.get(surface, kind)?.count ?? 0),
    put: (kind, key, value) => void statements.put.run(surface, kind, key, JSON.stringify(value)),
    remove: (kind, key) => void statements.remove.run(surface, kind, key),
    durable: database.durable,
  }
}

/** Keeps the records in memory alone, for a server without a database. */
export function createMemoryRecords(): Records {
  const kinds = new Map<string, Map<string, string>>()
  const of = (kind: string) => {
    const known = kinds.get(kind) ?? new Map<string, string>()
    kinds.set(kind, known)
    return known
  }
  return {
    get(kind, key) {
      const text = of(kind).get(key)
      return text === undefined ? null : JSON.parse(text)
    },
    list: (kind, { limit = listLimit, after = '' } = {}) =>
      [...of(kind)]
        .filter(([key]) => key > after)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .slice(0, limit)
        .map(([key, text]) => ({ key, value: JSON.parse(text) })),
    count: kind => of(kind).size,
    put: (kind, key, value) => void of(kind).set(key, JSON.stringify(value)),
    remove: (kind, key) => void of(kind).delete(key),
    durable(work) {
      const before = new Map([...kinds].map(([kind, entries]) => [kind, new Map(entries)]))
      try {
        return work()
      } catch (error) {
        kinds.clear()
        for (const [kind, entries] of before) kinds.set(kind, entries)
        throw error
      }
    },
  }
}
