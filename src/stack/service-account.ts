import { createPrivateKey } from 'node:crypto'
import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { readRegularFile, textOf } from '../files/regular-file.ts'

const tokenUri = 'https://oauth2.googleapis.com/token'
const fileBytes = 64 * 1024

/** The key file of a service account, as Google Cloud issues it. */
const KeyFile = z.object({
  type: z.literal('service_account'),
  client_email: z.string().regex(/^[\w.+-]+@[\w.-]+$/),
  private_key: z.string(),
  token_uri: z.literal(tokenUri),
})

export type ServiceAccount = { clientEmail: string; privateKey: string }

/** Reads the key file that GOOGLE_APPLICATION_CREDENTIALS names. No error quotes a part of it. */
export async function readServiceAccount(path: string): Promise<ServiceAccount> {
  const file = await readRegularFile(path, { limit: fileBytes, follow: true }).catch(
    (cause: unknown) => {
      throw unusable(path, 'it cannot be read', cause)
    },
  )
  const text = textOf(file)
  if (text === null)
    throw unusable(
      path,
      file.kind === 'missing' ? 'it is missing' : 'it is not a file of at most 64 KiB',
    )
  const parsed = KeyFile.safeParse(parseJson(text))
  if (!parsed.success) {
    const name = parsed.error.issues[0]?.path[0]
    throw unusable(path, `it is not the key of a service account (${String(name ?? 'not JSON')})`)
  }
  return { clientEmail: parsed.data.client_email, privateKey: normalized(path, parsed.data) }
}

/** Returns the key in the one form that the gateway accepts. */
function normalized(path: string, { private_key: key }: z.infer<typeof KeyFile>): string {
  try {
    const parsed = createPrivateKey(key)
    if (parsed.asymmetricKeyType !== 'rsa') throw new Error('not an RSA key')
    return String(parsed.export({ type: 'pkcs8', format: 'pem' }))
  } catch {
    // Without the cause, which may quote the key.
    throw unusable(path, 'its private_key is not an RSA key')
  }
}

function unusable(path: string, reason: string, cause?: unknown) {
  return new UserError(`GOOGLE_APPLICATION_CREDENTIALS=${path} is not usable: ${reason}`, {
    hint: 'name the JSON key of a service account; other kinds of Google credentials are not supported',
    ...(cause !== undefined && { cause }),
  })
}
