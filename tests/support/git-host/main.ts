import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { answerByGit, createBare, run } from './backend.ts'

/** A host of repositories as a program in a container, with TLS. Prints each request as a line of JSON. */
const { TLS_CERT_FILE = '', TLS_KEY_FILE = '', LOGIN = '', REPOSITORIES = '' } = process.env
const root = '/tmp/repositories'
for (const name of REPOSITORIES.split(' ')) createBare(join(root, `${name}.git`))
createServer(
  { cert: readFileSync(TLS_CERT_FILE), key: readFileSync(TLS_KEY_FILE) },
  (request, response) => {
    const { method, url = '', headers } = request
    process.stdout.write(`${JSON.stringify({ method, url, headers })}\n`)
    answerByGit({ root, login: LOGIN }, request, response)
  },
).listen(443, '0.0.0.0', () => process.stdout.write(`ready ${run(['version'])}\n`))
process.once('SIGTERM', () => process.exit(0))
