import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { deflateSync } from 'node:zlib'

/** The message of the only commit that the stand-in's repositories have. */
export const commitMessage = 'a commit of the stand-in'

const sha1 = (...parts: Buffer[]) => parts.reduce((h, p) => h.update(p), createHash('sha1'))
const idOf = (type: string, body: Buffer) =>
  sha1(Buffer.from(`${type} ${body.length}\0`), body).digest('hex')
const line = (text: string) => (text.length + 4).toString(16).padStart(4, '0') + text

const tree = Buffer.alloc(0)
const commit = Buffer.from(
  `tree ${idOf('tree', tree)}\nauthor a <a@a.test> 1 +0000\ncommitter a <a@a.test> 1 +0000\n\n${commitMessage}\n`,
)

/** A pack of the commit and its empty tree. An object's head has its type, 1 or 2, and its size. */
function pack() {
  const object = (type: number, { length }: Buffer) =>
    Buffer.from(
      length < 16 ? [(type << 4) | length] : [0x80 | (type << 4) | (length & 15), length >> 4],
    )
  const body = Buffer.concat([
    Buffer.from('PACK\0\0\0\x02\0\0\0\x02'),
    ...[object(1, commit), deflateSync(commit), object(2, tree), deflateSync(tree)],
  ])
  return Buffer.concat([body, sha1(body).digest()])
}

/** Answers git's requests for any repository over https (smart protocol, version 0); false for others. */
export function answerGit(url: string, response: ServerResponse): boolean {
  const service = 'git-upload-pack'
  if (url.endsWith(`/info/refs?service=${service}`)) {
    const head = idOf('commit', commit)
    response.setHeader('content-type', `application/x-${service}-advertisement`)
    response.end(
      `${line(`# service=${service}\n`)}0000${line(`${head} HEAD\0symref=HEAD:refs/heads/main\n`)}${line(`${head} refs/heads/main\n`)}0000`,
    )
    return true
  }
  if (!url.endsWith(`/${service}`)) return false
  response.setHeader('content-type', `application/x-${service}-result`)
  response.end(Buffer.concat([Buffer.from(line('NAK\n')), pack()]))
  return true
}
