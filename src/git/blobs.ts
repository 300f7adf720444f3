import type { ClosedGit } from './closed-git.ts'

/**
 * Reads contents by their ids, which are of git: those of at most `file` bytes, and of all together at most `all`.
 * The rest is not in the result.
 */
export async function readBlobs(
  git: ClosedGit,
  blobs: readonly string[],
  limits: { file: number; all: number },
): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>()
  if (blobs.length === 0) return contents
  const listed = await git.need(
    'cannot measure the files',
    ['cat-file', '--batch-check=%(objectname) %(objecttype) %(objectsize)'],
    { input: lines(blobs) },
  )
  let room = limits.all
  const wanted: string[] = []
  for (const line of listed.toString().split('\n')) {
    const [blob = '', type, size] = line.split(' ')
    const bytes = Number(size)
    if (type !== 'blob' || !(bytes <= Math.min(limits.file, room))) continue
    room -= bytes
    wanted.push(blob)
  }
  if (wanted.length === 0) return contents
  const output = await git.need('cannot read the files', ['cat-file', '--batch'], {
    input: lines(wanted),
    limit: limits.all + wanted.length * 100,
  })
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(0x0a, at)
    const [blob = '', , size] = output.toString('latin1', at, end).split(' ')
    const from = end + 1
    if (end < 0 || !(Number(size) >= 0)) break
    contents.set(blob, output.subarray(from, from + Number(size)))
    at = from + Number(size) + 1
  }
  return contents
}

function lines(blobs: readonly string[]) {
  return Buffer.from(`${blobs.join('\n')}\n`)
}
