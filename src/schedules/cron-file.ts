import { LineCounter, parseDocument } from 'yaml'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { readRegularFileSync } from '../files/regular-file.ts'
import { CronFile, type Job, type JobDefaults, jobOf, problemOfJob } from './job.ts'

const largest = 1024 * 1024

/** Reads cron.yml. A missing file has no jobs. */
export function readCronFile(path: string, defaults: JobDefaults): Job[] {
  // A person may keep it elsewhere; no agent can write its folder.
  const file = readRegularFileSync(path, { limit: largest, follow: true })
  if (file.kind === 'missing') return []
  if (file.kind !== 'bytes') {
    throw invalid(
      path,
      file.kind === 'too-large' ? 'is larger than 1 MiB' : 'is not a regular file',
    )
  }
  return parseCronFile(file.bytes.toString(), path, defaults)
}

/** Parses cron.yml. The error has the line, and the name of the job. */
export function parseCronFile(text: string, path: string, defaults: JobDefaults): Job[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [broken] = document.errors
  if (broken) {
    throw invalid(path, `line ${lines.linePos(broken.pos[0]).line}: ${broken.message}`)
  }
  let content: unknown
  try {
    // A few lines of aliases could stand for gigabytes.
    content = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw invalid(path, `is not valid: ${error instanceof Error ? error.message : error}`)
  }
  const lineOf = (at: readonly PropertyKey[]): number => {
    for (let depth = at.length; depth > 0; depth -= 1) {
      const node = document.getIn(at.slice(0, depth), true)
      const start = isNode(node) ? node.range?.[0] : undefined
      if (start !== undefined) return lines.linePos(start).line
    }
    return 1
  }
  const fail = (at: readonly PropertyKey[], problem: string): never => {
    const name = nameAt(content, at)
    const key = (at[0] === 'jobs' && at.length > 1 ? at.slice(2) : at).map(String).join('.')
    const words = [name && `job ${name}:`, key, problem].filter(Boolean).join(' ')
    throw invalid(path, `line ${lineOf(at)}: ${words}`)
  }
  const parsed = CronFile.safeParse(content ?? { jobs: [] })
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    if (issue?.code === 'unrecognized_keys') {
      const key = issue.keys[0] ?? ''
      return fail([...issue.path, key], 'is not a key of cron.yml')
    }
    return fail(issue?.path ?? [], issue?.message ?? 'is not valid')
  }
  const seen = new Set<string>()
  return parsed.data.jobs.map((entry, index) => {
    if (seen.has(entry.name)) fail(['jobs', index, 'name'], 'is the name of another job')
    seen.add(entry.name)
    const job = jobOf(entry, parsed.data, defaults)
    const problem = problemOfJob(job)
    if (problem !== null) fail(['jobs', index], problem)
    return job
  })
}

function isNode(value: unknown): value is { range?: [number, number, number] | null } {
  return typeof value === 'object' && value !== null && 'range' in value
}

function nameAt(content: unknown, [list, index]: readonly PropertyKey[]): string {
  if (list !== 'jobs' || typeof index !== 'number') return ''
  const jobs = (content as { jobs?: unknown }).jobs
  const job: unknown = Array.isArray(jobs) ? jobs[index] : null
  const name = typeof job === 'object' && job !== null && 'name' in job ? job.name : undefined
  return typeof name === 'string' ? terminalLine(name, 64) : `number ${index + 1}`
}

function invalid(path: string, problem: string) {
  return new UserError(`${terminalLine(path)} ${terminalLine(problem, 300)}`, {
    hint: 'correct it, for example: jobs: [{ name: nightly, schedule: "0 3 * * *", instruction: Tidy up }]',
  })
}
