import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { isRecord, parseJson } from '../base/json.ts'
import { readRegularFile, textOf } from '../files/regular-file.ts'
import type { Asked } from './asked.ts'

/** A login of the user for the model, which stacks do not use by themselves. Holds no part of it. */
export type HostLogin = {
  kind: 'claude-code' | 'console-key' | 'aws-profile' | 'google-login'
  /** The file or keychain that holds it. */
  where: string
}

const fileBytes = 16 * 1024 * 1024

/** Finds the user's logins for the model on this host. Reads whether they exist, not their secrets. */
export async function findHostLogins(asked: Asked): Promise<HostLogin[]> {
  const { env, home } = asked
  const claude = env.CLAUDE_CONFIG_DIR || join(home, '.claude')
  const aws = env.AWS_SHARED_CREDENTIALS_FILE || join(home, '.aws/credentials')
  const cloud = env.CLOUDSDK_CONFIG || join(env.XDG_CONFIG_HOME || join(home, '.config'), 'gcloud')
  const google = join(cloud, 'application_default_credentials.json')
  const state = join(env.CLAUDE_CONFIG_DIR || home, '.claude.json')
  const found = await Promise.all([
    existing('claude-code', join(claude, '.credentials.json')),
    keychain(asked),
    consoleKey(state),
    existing('aws-profile', aws),
    existing('google-login', google),
  ])
  return found.flatMap(login => login ?? [])
}

async function existing(kind: HostLogin['kind'], where: string): Promise<HostLogin | null> {
  return access(where).then(
    () => ({ kind, where }),
    () => null,
  )
}

/** macOS keeps Claude Code's login in its keychain. Without `-w`, security prints no password. */
async function keychain({ run }: Asked): Promise<HostLogin | null> {
  if (process.platform !== 'darwin') return null
  const args = ['find-generic-password', '-s', 'Claude Code-credentials']
  const answer = await run('security', args, { timeout: 5_000 })
  return answer ? { kind: 'claude-code', where: 'the keychain' } : null
}

/** An API key of the console that Claude Code stored. */
async function consoleKey(path: string): Promise<HostLogin | null> {
  const file = await readRegularFile(path, { limit: fileBytes, follow: true }).catch(() => null)
  const text = file && textOf(file)
  const value = text ? parseJson(text) : null
  return isRecord(value) && typeof value.primaryApiKey === 'string'
    ? { kind: 'console-key', where: path }
    : null
}
