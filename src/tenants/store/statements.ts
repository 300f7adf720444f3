import type { Database } from './database.ts'
import { summaryColumns } from './run-row.ts'

/** Prepares each statement of the runs once. Values are parameters, and every one of a tenant names it. */
export function prepareStatements(database: Database) {
  const p = database.prepare
  const present = '(expires_at IS NULL OR expires_at > ?)'
  return {
    insert: p(
      `INSERT INTO runs (tenant, run_id, workspace, started_at, prompt, model, owner, surface, idempotency_key, request_digest, state)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running')`,
    ),
    discard: p('DELETE FROM runs WHERE id = ?'),
    discardExpired: p('DELETE FROM runs WHERE tenant = ? AND run_id = ? AND expires_at <= ?'),
    find: p(`SELECT ${summaryColumns} FROM runs WHERE tenant = ? AND run_id = ? AND ${present}`),
    result: p('SELECT result FROM runs WHERE id = ?'),
    firstPage: p(
      `SELECT ${summaryColumns} FROM runs WHERE tenant = ? AND ${present}
       ORDER BY started_at DESC, run_id DESC LIMIT ?`,
    ),
    nextPage: p(
      `SELECT ${summaryColumns} FROM runs WHERE tenant = ? AND ${present} AND (started_at, run_id) < (?, ?)
       ORDER BY started_at DESC, run_id DESC LIMIT ?`,
    ),
    question: p('UPDATE runs SET state = ?, question = ? WHERE id = ? AND ended_at IS NULL'),
    event: p('INSERT INTO events (run, seq, body) VALUES (?, ?, ?)'),
    eventSizes: p(
      'SELECT octet_length(body) AS bytes FROM events WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?',
    ),
    events: p('SELECT seq, body FROM events WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?'),
    end: p(
      `UPDATE runs SET state = ?, question = NULL, ended_at = ?, session_id = ?, cost_usd = ?, tokens = ?, error = ?,
         expires_at = ?, result = ?,
         bytes = ? + (SELECT coalesce(sum(octet_length(body)), 0) FROM events WHERE run = runs.id)
       WHERE id = ? AND ended_at IS NULL`,
    ),
    inProgress: p(
      `SELECT tenant, ${summaryColumns} FROM runs WHERE ended_at IS NULL AND id > ? ORDER BY id LIMIT 1`,
    ),
    removeExpired: p(
      'DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
    ),
    tenants: p('SELECT DISTINCT tenant FROM runs'),
    bytes: p('SELECT coalesce(sum(bytes), 0) AS bytes FROM runs WHERE tenant = ?'),
    removeOldest: p(
      `DELETE FROM runs WHERE id IN
         (SELECT id FROM runs WHERE tenant = ? AND expires_at IS NOT NULL ORDER BY expires_at LIMIT ?)`,
    ),
    tenantOf: p('SELECT tenant FROM runs WHERE id = ?'),
    charge: p(
      `INSERT INTO charges (since, day, owner, tenant, run_id, meter, usd, tokens)
       SELECT substr(started_at, 1, 10), ?, ?, tenant, run_id, ?, ?, ? FROM runs WHERE id = ?`,
    ),
    charges: p(
      'SELECT since, tenant, run_id, meter, usd, tokens FROM charges WHERE day = ? AND owner = ?',
    ),
    addReport: p(
      'INSERT INTO reports (delivery, tenant, token, run_id, body, next_at) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    dueReports: p(
      `SELECT id, delivery, tenant, token, run_id, body, attempts FROM reports
       WHERE next_at <= ? ORDER BY next_at, id LIMIT ?`,
    ),
    nextReport: p('SELECT min(next_at) AS at FROM reports'),
    reportCount: p('SELECT count(*) AS count FROM reports'),
    postponeReport: p('UPDATE reports SET attempts = ?, next_at = ? WHERE id = ?'),
    removeReport: p('DELETE FROM reports WHERE id = ?'),
    clearReports: p('DELETE FROM reports'),
    forgetCharges: p('DELETE FROM charges WHERE day < ?'),
  }
}
export type Statements = ReturnType<typeof prepareStatements>
