import * as z from 'zod'
import { RunId } from '../run/ids.ts'
import { Answers, type OpenQuestion, QuestionId } from '../run/question.ts'
import type { Sums, UsageReport } from '../usage/report.ts'

/** A stack with a terminal, as the page shows it. Every text of it is safe to show. */
export type StackView = {
  stack: string
  /** The end of its name, which users type. */
  id: string
  /** Path on the host. */
  folder: string
  /** Name of a git session; null for the stack of a folder. */
  session: string | null
  mode: string
}

/** A decision of the proxy, or a name that was asked without it. */
export type EgressView = {
  /** Seconds since 1970. */
  at: number
  verdict: 'allowed' | 'denied' | 'blocked'
  caller: string
  host: string
  port: string
  reason: string
  /** Whether Allow can open it for the agent. */
  canAllow: boolean
  /** Whether a list of the user has it, so that Deny can close it. */
  canDeny: boolean
}

export type RunView = {
  runId: string
  state: string
  /** ISO 8601. */
  startedAt: string
  prompt: string
  costUsd: number | null
  question: OpenQuestion | null
}

export type UsageView = {
  today: UsageReport['today']
  total: Sums
  models: UsageReport['models']
}

/** A commit of a git session, in a list. */
export type CommitView = {
  id: string
  subject: string
  author: string
  /** ISO 8601; null for a time that no calendar has. */
  at: string | null
  /** Whether the session's branch has it, so that a push takes it along. */
  onBranch: boolean
}

/** The commits of a git session, the newest first. */
export type CommitsView = {
  branch: string
  /** The newest commit of the branch: a push takes what the user saw. Null without one. */
  tip: string | null
  commits: CommitView[]
  /** Number of commits that a push would take, and that are not in the list. */
  unlisted: number
  mayPush: boolean
  mayOpenPullRequest: boolean
  /** The proposed message of a pull request. */
  title: string
  body: string
}

/** A commit with all that a review shows. */
export type CommitDetailsView = {
  id: string
  message: string
  files: { path: string; kind: string; insertions: number | null; deletions: number | null }[]
  /** Whether it has more files than are listed. */
  more: boolean
  findings: { kind: string; path: string; detail: string; line: number | null }[]
  patch: string
  truncated: boolean
}

/** A message of the live websocket to the page. */
export type LiveMessage =
  | { kind: 'stacks'; stacks: StackView[] }
  | { kind: 'egress'; stack: string; entries: EgressView[]; leftOut: number }
  | { kind: 'runs'; stack: string; runs: RunView[] }
  | { kind: 'usage'; stack: string; usage: UsageView | null }
  | { kind: 'commits'; stack: string; commits: CommitsView }
  | { kind: 'trouble'; text: string }

/** Compose project. */
export const StackName = z.string().regex(/^claude-secure-[a-z0-9-]{1,80}$/)

/** A message of the page to the live websocket: the stack to show, or none. */
export const WatchMessage = z.strictObject({ watch: StackName.nullable() })

const cells = z.number().int().min(1).max(1_000)

/** A text message of the page to a terminal; keys come as binary messages. */
export const ResizeMessage = z.strictObject({ columns: cells, rows: cells })

/** A text message of a terminal to the page: it has ended. */
export type TerminalEnd = {
  ended: true
  /** Null when the terminal was not opened, or its connection broke. */
  status: number | null
  error: string | null
  /** What the agent left on the host: files moved away, and files that the host runs. */
  notices: string[]
}

export const PolicyRequest = z.strictObject({
  stack: StackName,
  name: z.string().min(1).max(300),
  action: z.enum(['allow', 'deny']),
  /** Only this folder's list, or that of every folder. */
  here: z.boolean(),
})

export const AnswerRequest = z.strictObject({
  stack: StackName,
  runId: RunId,
  /** The question that the user saw. */
  question: QuestionId,
  /** Null is "no answer". */
  answers: Answers.nullable(),
})

export const CancelRequest = z.strictObject({ stack: StackName, runId: RunId })

const CommitId = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)

export const CommitRequest = z.strictObject({ stack: StackName, id: CommitId })

const branch = z.string().min(1).max(200).optional()
const text = z.string().max(20_000)

/** What a user does after a review. `tip` is the newest commit that they saw. */
export const ReviewRequest = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('push'), stack: StackName, tip: CommitId, branch }),
  z.strictObject({
    action: z.literal('pull-request'),
    ...{ stack: StackName, tip: CommitId, branch },
    title: text.min(1).max(300),
    body: text,
  }),
  z.strictObject({
    action: z.literal('comment'),
    ...{ stack: StackName, id: CommitId.nullable() },
    text: text.min(1),
  }),
  z.strictObject({ action: z.literal('discard'), stack: StackName }),
])
export type ReviewRequest = z.infer<typeof ReviewRequest>
