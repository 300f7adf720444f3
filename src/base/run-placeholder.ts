import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/**
 * What the gateway and a runner share: the placeholder, which names the caller, and the key that signs
 * the names of its processes. Processes of a run know neither.
 */
export type Signer = { placeholder: string; key: string }

const prefix = /^(?:sk-ant-[a-z0-9]{1,16}-)?/
const form = /^(?:sk-ant-[a-z0-9]{1,16}-)?placeholder-meter-([0-9a-f]{16})-[\w-]{43}-[\w-]{20}$/

/**
 * Returns the placeholder of one process: it names the process, and does not reveal the one it is made
 * from. It says that it is one: the audit takes any other text of this form for a real key. It has the same kind, because Claude Code shapes its requests by it, and the same last 20
 * characters for each process, because Claude Code asks a person about a key with others.
 */
export function signPlaceholder(signer: Signer, meter: string): string {
  const kind = prefix.exec(signer.placeholder)?.[0] ?? ''
  const proof = mac(signer, ['placeholder', meter])
  return `${kind}placeholder-meter-${meter}-${proof}-${tailOf(signer.placeholder)}`
}

/** Returns the process that a placeholder claims to be of; null unless it has the form of a signed one. */
export function claimedMeter(placeholder: string): string | null {
  return form.exec(placeholder)?.[1] ?? null
}

/** Signs that the requests of a process belong to a run from a time on, in milliseconds. */
export function signRunName(signer: Signer, name: { meter: string; run: string; at: number }) {
  return mac(signer, ['run', name.meter, name.run, String(name.at)])
}

/** Compares hashes in constant time, so that the timing reveals neither content nor length. */
export function isSameSecret(presented: string, expected: string): boolean {
  return timingSafeEqual(sha256(presented), sha256(expected))
}

/** The placeholder is part of the message: another caller's signature proves nothing, even with one key. */
function mac({ placeholder, key }: Signer, parts: readonly string[]): string {
  const message = [...parts, placeholder].join('\n')
  return createHmac('sha256', key).update(message).digest('base64url')
}

function tailOf(placeholder: string): string {
  return `${sha256(`tail\n${placeholder}`).toString('base64url').slice(0, 18)}AA`
}

function sha256(text: string) {
  return createHash('sha256').update(text).digest()
}
