import { UserError } from '../../base/errors.ts'
import type { TokenPlace } from './stored-tokens.ts'

/**
 * Refuses an address that others reach, unless the user chose a token; and one for whose name the server has no
 * entry, because it would answer each request with 403.
 */
export function refuseOpenAddress(
  { SERVER_BIND: address, SERVER_ALLOWED_HOSTS: hosts }: AddressSettings,
  place: TokenPlace,
): void {
  if (place.kind === 'none') {
    refuseOtherNames(address, hosts)
    return
  }
  const isLoopback = address.startsWith('127.')
  if (!isLoopback && place.kind !== 'setting' && place.kind !== 'added') {
    throw new UserError(`SERVER_BIND=${address} is not a loopback address, and no token is set`, {
      hint: 'set API_TOKEN in .env, or add a token with serve token add NAME',
    })
  }
  if (address === '127.0.0.1' || hosts !== undefined) return
  const example = address === '0.0.0.0' ? 'ai.example' : address
  throw new UserError(`SERVER_BIND=${address} needs SERVER_ALLOWED_HOSTS, which is not set`, {
    hint: `set SERVER_ALLOWED_HOSTS in .env to the names by which clients call the server, such as ${example}`,
  })
}

type AddressSettings = { SERVER_BIND: string; SERVER_ALLOWED_HOSTS?: string | undefined }

/** A server without a token answers to the names of 127.0.0.1 only (threat M3). */
function refuseOtherNames(address: string, hosts: string | undefined) {
  if (address !== '127.0.0.1') {
    throw new UserError(`--no-auth contradicts SERVER_BIND=${address}`, {
      hint: 'omit --no-auth, or set SERVER_BIND=127.0.0.1 in .env',
      exitCode: 2,
    })
  }
  if (hosts !== undefined) {
    throw new UserError('--no-auth contradicts SERVER_ALLOWED_HOSTS', {
      hint: 'omit --no-auth, or remove SERVER_ALLOWED_HOSTS from .env',
      exitCode: 2,
    })
  }
}
