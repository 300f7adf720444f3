import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { repository } from '../support/stack/checkout.ts'

/** Build contexts that the control script writes with modes of its own: src/images/npm-fetch.ts. */
const written = ['npm']

t.test('no file of an image takes over the mode that a umask gave it', async t => {
  for (const image of ['claude', 'gateway', 'proxy', 'additions']) {
    const text = readFileSync(join(repository, image, 'Dockerfile'), 'utf8')
    const stages = [...text.matchAll(/^FROM .* AS (\w+)$/gm)].map(([, name]) => name)
    for (const [line, options = ''] of text.matchAll(/^COPY ((?:--\S+ )*).*$/gm)) {
      const from = /--from=(\S+)/.exec(options)?.[1]
      if (from !== undefined && [...stages, ...written].includes(from)) continue
      t.match(options, /--chmod=0[0-7]{3}/, `${image}: ${line}`)
    }
  }
})
