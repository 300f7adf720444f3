import * as z from 'zod'
import type { Records } from '../../tenants/store/records.ts'
import type { Post } from './prompt.ts'

const kind = 'post'
const Kept = z.object({ job: z.string(), at: z.string(), answer: z.string(), order: z.number() })

/** Posts that are kept: a reply to an older one quotes its text alone. */
const mostPosts = 500
const answerCharacters = 8_000

/** What schedules posted to chats, so that a reply to it gets its context. */
export function openPosts(records: Records, now: () => number = Date.now) {
  const keyOf = (chat: number, message: number) => `${chat}:${message}`
  return {
    note(chat: number, message: number, post: Post) {
      const answer = post.answer.slice(0, answerCharacters)
      records.put(kind, keyOf(chat, message), { ...post, answer, order: now() })
      const excess = records.count(kind) - mostPosts
      if (excess <= 0) return
      const all = records.list(kind).map(({ key, value }) => {
        const parsed = Kept.safeParse(value)
        return { key, order: parsed.success ? parsed.data.order : 0 }
      })
      all.sort((one, other) => one.order - other.order)
      for (const { key } of all.slice(0, excess)) records.remove(kind, key)
    },

    find(chat: number, message: number): Post | null {
      const parsed = Kept.safeParse(records.get(kind, keyOf(chat, message)))
      return parsed.success ? parsed.data : null
    },
  }
}
export type Posts = ReturnType<typeof openPosts>
