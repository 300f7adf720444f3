import { randomBytes } from 'node:crypto'

/** Makes the id of an object that a client gets. A run may have several, so that its own id does not do. */
export function newId(kind: 'resp' | 'msg' | 'fc'): string {
  return `${kind}_${randomBytes(16).toString('hex')}`
}
