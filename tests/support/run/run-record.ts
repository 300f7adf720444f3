import { randomBytes } from 'node:crypto'
import type { RunRecord } from '../../../src/run/store/store.ts'

/** Returns the record of a run from the command line. Each has an id of its own: the store holds it machine-wide. */
export function runRecord(changes: Partial<RunRecord> = {}): RunRecord {
  return {
    runId: randomBytes(8).toString('hex'),
    workspace: '/workspace',
    startedAt: '2026-11-21T10:00:00.000Z',
    prompt: 'hello',
    model: null,
    owner: null,
    surface: 'cli',
    idempotencyKey: null,
    requestDigest: null,
    ...changes,
  }
}
