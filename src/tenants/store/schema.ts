/**
 * The steps from an empty database to the present form. `user_version` counts those that were made: append new
 * ones, and never change one that was released.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    run_id TEXT NOT NULL,
    workspace TEXT NOT NULL,
    started_at TEXT NOT NULL,
    prompt TEXT NOT NULL,
    model TEXT,
    owner TEXT,
    surface TEXT NOT NULL,
    idempotency_key TEXT,
    request_digest TEXT,
    state TEXT NOT NULL,
    question TEXT,
    ended_at TEXT,
    session_id TEXT,
    cost_usd REAL,
    tokens INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    -- Milliseconds since 1970; null while it runs.
    expires_at INTEGER,
    -- Of the result and the events.
    bytes INTEGER NOT NULL DEFAULT 0,
    -- Last, so that a list does not read it.
    result TEXT,
    UNIQUE (tenant, run_id)
  ) STRICT;
  CREATE INDEX runs_newest ON runs (tenant, started_at DESC, run_id DESC);
  CREATE INDEX runs_expiry ON runs (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE events (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (run, seq)
  ) STRICT, WITHOUT ROWID;
  -- Outlives the runs, whose results expire within the day.
  CREATE TABLE spending (
    day TEXT NOT NULL,
    owner TEXT NOT NULL,
    usd REAL NOT NULL,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (day, owner)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  DROP TABLE spending;
  -- What each ended run reported, kept apart so that it can be compared with the gateway's count of that run.
  -- Outlives the runs, whose results expire within the day.
  CREATE TABLE charges (
    id INTEGER PRIMARY KEY,
    -- Days (UTC) of the start and of the end, on which the run is charged.
    since TEXT NOT NULL,
    day TEXT NOT NULL,
    owner TEXT NOT NULL,
    tenant TEXT NOT NULL,
    run_id TEXT NOT NULL,
    meter TEXT NOT NULL,
    usd REAL NOT NULL,
    tokens INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX charges_of_day ON charges (day, owner);
  `,
  `
  -- What the webhook has not taken yet. Outlives the runs.
  CREATE TABLE reports (
    id INTEGER PRIMARY KEY,
    delivery TEXT NOT NULL,
    tenant TEXT NOT NULL,
    token TEXT NOT NULL,
    run_id TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Milliseconds since 1970.
    next_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX reports_due ON reports (next_at, id);
  `,
  `
  -- What a surface keeps beside its runs, such as the updates that a bot has still to handle.
  CREATE TABLE records (
    surface TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (surface, kind, key)
  ) STRICT, WITHOUT ROWID;
  `,
]
