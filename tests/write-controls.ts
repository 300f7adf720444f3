/** `npm run controls`: writes the table of docs/security.md anew from what the mutation tests take away. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withControls } from './support/mutation/render-controls.ts'

const root = join(import.meta.dirname, '..')
const path = join(root, 'docs/security.md')
const policy = readFileSync(join(root, 'proxy/squid.conf'), 'utf8')
writeFileSync(path, withControls(readFileSync(path, 'utf8'), policy))
