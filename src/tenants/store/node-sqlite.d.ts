/** The part of `node:sqlite` that the server uses. The types of Node 20, which the host has, do not know it. */
declare module 'node:sqlite' {
  type Value = null | number | string
  type Row = Record<string, unknown>

  export interface StatementSync {
    run(...values: readonly Value[]): { changes: number | bigint; lastInsertRowid: number | bigint }
    get(...values: readonly Value[]): Row | undefined
    all(...values: readonly Value[]): Row[]
  }

  export class DatabaseSync {
    constructor(path: string, options?: { enableForeignKeyConstraints?: boolean; timeout?: number })
    readonly isOpen: boolean
    exec(sql: string): void
    prepare(sql: string): StatementSync
    close(): void
  }
}
