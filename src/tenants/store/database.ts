import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { messageOf, UserError } from '../../base/errors.ts'
import { isRecord } from '../../base/json.ts'
import { migrations } from './schema.ts'

export type Database = {
  prepare: (sql: string) => StatementSync
  /**
   * Does the work in one transaction, and returns when it would survive the loss of power. Commits outside of it
   * survive the death of the process, and come to the disk with the next durable one.
   */
  durable: <T>(work: () => T) => T
  /** Gives the space of removed rows back, a bounded part at a time. */
  shrink: () => void
  close: () => void
}

const defaultBytes = 16 * 1024 ** 3
const shrinkPages = 2_000

/**
 * Opens the database of the server, and brings it to the present form. One process holds it at a time: another
 * one would take the runs in progress for those of a dead process.
 *
 * @param maxBytes size at which writes fail as on a full disk
 */
export function openDatabase(path: string, maxBytes = defaultBytes): Database {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // SQLite gives its other files the mode of this one: they have prompts and results.
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
    const database = new DatabaseSync(path, { enableForeignKeyConstraints: true })
    try {
      return prepared(database, path, maxBytes)
    } catch (error) {
      database.close()
      throw error
    }
  } catch (error) {
    throw error instanceof UserError ? error : storageError(path, error)
  }
}

function prepared(database: DatabaseSync, path: string, maxBytes: number): Database {
  const pragma = (text: string) => Object.values(database.prepare(`PRAGMA ${text}`).get() ?? {})[0]
  // Held until the process ends, however it ends.
  pragma('locking_mode = EXCLUSIVE')
  pragma('auto_vacuum = INCREMENTAL')
  pragma('journal_mode = WAL')
  // The container has a small folder for temporary files.
  pragma('temp_store = MEMORY')
  pragma('journal_size_limit = 67108864')
  pragma(`max_page_count = ${Math.ceil(maxBytes / Number(pragma('page_size')))}`)
  database.exec('BEGIN EXCLUSIVE; COMMIT')
  migrate(database, Number(pragma('user_version')), path)
  database.exec('PRAGMA synchronous = NORMAL')

  const durable = <T>(work: () => T): T => {
    database.exec('PRAGMA synchronous = FULL')
    try {
      database.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        database.exec('COMMIT')
        return result
      } catch (error) {
        rollback(database)
        throw error
      }
    } finally {
      database.exec('PRAGMA synchronous = NORMAL')
    }
  }

  return {
    prepare: sql => database.prepare(sql),
    durable,
    shrink: () => database.exec(`PRAGMA incremental_vacuum(${shrinkPages})`),
    close: () => database.close(),
  }
}

function migrate(database: DatabaseSync, version: number, path: string) {
  if (version > migrations.length) {
    throw new UserError(`${path} was written by a later version (form ${version})`, {
      hint: 'run that version again, or move the file away to start without its runs',
    })
  }
  for (const [index, step] of migrations.entries()) {
    if (index < version) continue
    database.exec('BEGIN IMMEDIATE')
    try {
      database.exec(`${step}; PRAGMA user_version = ${index + 1}`)
      database.exec('COMMIT')
    } catch (error) {
      rollback(database)
      throw error
    }
  }
}

/** SQLite has rolled back by itself after some failures, a full disk among them. */
function rollback(database: DatabaseSync) {
  try {
    database.exec('ROLLBACK')
  } catch {}
}

/** Result codes of SQLite, without their extension. */
const codes = new Map([
  [5, ['it is in use by another server', 'stop the other server']],
  [8, ['it is read-only', 'check the mount and the owner of its folder']],
  [11, ['it is damaged', 'move the file away, or bring a copy back']],
  [13, ['the disk is full', 'free some space, or remove old runs']],
  [14, ['it cannot be opened', 'check the owner and the mode of its folder']],
  [26, ['it is not a database', 'move the file away, or bring a copy back']],
] as const)

/** Returns the error of a failed read or write, with what to do about it. */
export function storageError(path: string, cause: unknown): UserError {
  const code = isRecord(cause) && typeof cause.errcode === 'number' ? cause.errcode & 0xff : -1
  const [problem, hint] = codes.get(code as 5) ?? [
    messageOf(cause),
    'check the disk and the owner of its folder',
  ]
  return new UserError(`cannot keep runs in ${path}: ${problem}`, { hint, cause })
}
