import * as z from 'zod'
import type { Records } from '../../tenants/store/records.ts'

/** A run that a chat asked for, from its message until the last part of its answer was sent. */
export const Job = z.object({
  /** Of the update that asked for it: its run starts once, however often the server is killed. */
  id: z.string().max(64),
  chat: z.number(),
  topic: z.number().nullable(),
  /** The message that asked. */
  message: z.number(),
  user: z.number(),
  /** `bash`: the prompt is a command of the shell. */
  kind: z.enum(['prompt', 'bash']),
  prompt: z.string(),
  /** File of a voice message that is transcribed first; null without one. */
  voice: z.string().nullable().default(null),
  /** Milliseconds since 1970 when its run was first started; null before. */
  begunAt: z.number().nullable(),
  runId: z.string().nullable(),
  /** Why it has no run, in the words of a chat; null while it can have one. */
  refusal: z.string().nullable().default(null),
  tenant: z.string().nullable(),
  /** Real path of its workspace in the server. */
  folder: z.string().nullable(),
  /** Its progress message; null without one. */
  progress: z.number().nullable(),
  /** Parts of the answer that were sent. */
  sent: z.number(),
})
export type Job = z.infer<typeof Job>

export type NewJob = Pick<Job, 'id' | 'chat' | 'topic' | 'message' | 'user' | 'kind' | 'prompt'> &
  Partial<Pick<Job, 'voice'>>

const kind = 'job'

/** The jobs that have not ended. They outlive the process. */
export function openJobs(records: Records) {
  return {
    /** Adds a job; within `records.durable` of what it takes the place of. */
    add(job: NewJob): Job {
      const nothing = {
        voice: null,
        begunAt: null,
        runId: null,
        refusal: null,
        tenant: null,
        folder: null,
        progress: null,
      }
      const added = { ...nothing, ...job, sent: 0 }
      records.put(kind, job.id, added)
      return added
    },

    /** Keeps what has changed of a job. */
    keep(job: Job) {
      records.put(kind, job.id, job)
    },

    remove: ({ id }: Pick<Job, 'id'>) => records.remove(kind, id),

    all: (): Job[] =>
      records.list(kind).flatMap(({ value }) => {
        const parsed = Job.safeParse(value)
        return parsed.success ? [parsed.data] : []
      }),
  }
}
export type Jobs = ReturnType<typeof openJobs>
