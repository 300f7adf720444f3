import t from 'tap'
import { parseCopyExclude } from '../../../src/config/copy-exclude.ts'

t.test(
  'patterns are separated by commas; spaces around them and empty ones do not count',
  async t => {
    t.same(parseCopyExclude(undefined), [])
    t.same(parseCopyExclude(' *.log, /data/,, !.env '), ['*.log', '/data/', '!.env'])
  },
)
