import t from 'tap'
import * as z from 'zod'
import { issueMessage } from '../../../src/config/issue-message.ts'

const Schema = z.strictObject({
  text: z.string().min(1).max(3).default('x'),
  list: z.array(z.string()).max(1).default([]),
  count: z.int().min(2).max(9).default(2),
  flag: z.boolean().default(false),
  one: z.enum(['a', 'b']).default('a'),
  map: z.record(z.string().regex(/^[a-z]+$/), z.string()).default({}),
  needs: z.strictObject({ inner: z.string() }).optional(),
  link: z.url().optional(),
  own: z.string().min(9, 'has words of its own').optional(),
})

t.test('what is wrong is told in words of ours', async t => {
  for (const [value, words] of [
    [[], 'must be an object'],
    [{ text: 1 }, 'must be a string'],
    [{ text: '' }, 'must not be empty'],
    [{ text: 'long' }, 'is too long: 3 characters at most'],
    [{ list: 'x' }, 'must be a list'],
    [{ list: ['x', 'y'] }, 'is too long: 1 entries at most'],
    [{ count: 'x' }, 'must be a number'],
    [{ count: 2.5 }, 'must be a whole number'],
    [{ count: 1 }, 'must be 2 or more'],
    [{ count: 10 }, 'must be 9 or less'],
    [{ flag: 'yes' }, 'must be true or false'],
    [{ one: 'c' }, 'must be "a" or "b"'],
    [{ map: { 'A b': 'x' } }, 'has an invalid name'],
    [{ needs: {} }, 'is missing'],
    [{ needs: { inner: 'x', more: 1 } }, 'has an unknown key: more'],
    [{ link: 'nowhere' }, 'must be a URL'],
    [{ own: 'x' }, 'has words of its own'],
  ] as const) {
    const issues = Schema.safeParse(value, { error: issueMessage }).error?.issues
    t.equal(issues?.[0]?.message, words, JSON.stringify(value))
  }
})
