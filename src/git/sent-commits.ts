import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import type { Quarantine } from './quarantine.ts'

/**
 * Refuses new commits that the container did not send. It could name a commit of the user that it cannot read, such as
 * one of another branch: a push of the session would publish it.
 *
 * @param range commits for `--stdin`, those that the session had with a `^`
 * @param most the number of commits that one delivery may have
 */
export async function checkSent(
  { path, git }: Quarantine,
  range: string,
  most: number,
): Promise<void> {
  const listed = await git.need(
    'cannot list the commits',
    ['rev-list', `--max-count=${most + 1}`, '--stdin'],
    { input: Buffer.from(range) },
  )
  const commits = listed.toString().split('\n').filter(Boolean)
  if (commits.length === 0) return
  const sent = await sentObjects(path, git)
  const foreign = commits.find(id => !sent.has(id))
  if (foreign === undefined) return
  throw new UserError(
    `the commits of the container were refused: ${foreign.slice(0, 12)} was not sent with them`,
    { hint: 'ask Claude to base its work on commits that its copy has' },
  )
}

/** Returns the ids in the packs of the quarantine, without the objects that it borrows. */
async function sentObjects(path: string, git: Quarantine['git']): Promise<Set<string>> {
  const folder = join(path, 'objects/pack')
  const found = new Set<string>()
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.idx')) continue
    const listed = await git.need('cannot list the objects', ['show-index'], {
      input: createReadStream(join(folder, name)),
      limit: 64 * 1024 * 1024,
    })
    for (const line of listed.toString('latin1').split('\n')) found.add(line.split(' ')[1] ?? '')
  }
  return found
}
