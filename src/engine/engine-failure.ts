import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { lastLine, terminalLine } from '../base/terminal-text.ts'
import { diskFull, isDiskFull } from '../files/disk-space.ts'
import { exec } from '../process/exec.ts'
import type { DockerClient } from './find-client.ts'

/** Builds the error for a failed docker command; for a full disk it names the engine's folder. */
export async function engineFailed(
  what: string,
  output: string,
  client: DockerClient,
  known: { problem?: string; hint?: string } = {},
): Promise<UserError> {
  const cause = new Error(output)
  if (isDiskFull(output)) return diskFull(what, await engineFolder(client), cause)
  const problem = known.problem ?? lastLine(output)
  const hint = known.hint ?? `run ${command('doctor')} to check the engine`
  return new UserError(`${what}: ${problem}`, { hint, cause })
}

const anyHint = `run it again with --verbose, or run ${command('doctor')}`

async function engineFolder(client: DockerClient) {
  const format = client.kind === 'podman' ? '{{.Store.GraphRoot}}' : '{{.DockerRootDir}}'
  const result = await exec(client.file, ['info', '--format', format], { env: client.env }).catch(
    () => null,
  )
  return result?.stdout.trim() || '/var/lib/docker'
}

/** Builds the error for a container of ours that failed; `purpose` describes its work. */
export function containerFailed(purpose: string, stderr: string): UserError {
  return new UserError(`${purpose} failed: ${lastLine(stderr)}`, {
    hint: anyHint,
    cause: new Error(stderr),
  })
}

/** Builds the error for a failed `docker compose` command; names the failing service or resource. */
export function composeFailed(args: readonly string[], stderr: string) {
  const lines = stderr
    .split('\n')
    .map(line => line.replace(/^time="[^"]*" level=\w+ msg="?/, '').replace(/"$/, ''))
    .filter(line => line.trim() !== '')
  const line =
    lines.findLast(text => /error|unhealthy|failed|denied|not /i.test(text)) ?? lines.at(-1)
  const known = knownFailures.find(({ pattern }) => pattern.test(stderr))
  const said = `docker compose ${args[0]} failed: ${terminalLine(line ?? 'no message')}`
  return new UserError(known?.message ?? said, {
    hint: known?.hint ?? anyHint,
    cause: new Error(stderr),
  })
}

type KnownFailure = {
  pattern: RegExp
  /** Replaces an unhelpful message of the engine. */
  message?: string
  hint: string
}

const knownFailures: readonly KnownFailure[] = [
  {
    // The words of engines up to 27, and of newer ones.
    pattern: /could not find an available.*(address pool|subnet)|all predefined address pools/i,
    message: 'the engine has no free subnet left for the networks of another stack',
    hint: `free three for each stack: ${command('list')}, then ${command('stop ID')}; or set default-address-pools in daemon.json (docs/troubleshooting.md)`,
  },
  {
    pattern: /Pool overlaps|overlaps with other one/i,
    hint: 'set EXTERNAL_SUBNET in .env to a subnet that nothing else uses, or SUBNET_POOL to a range of them',
  },
  {
    pattern: /no space left on device/i,
    hint: 'free some space: docker system df shows the usage, docker image prune frees it',
  },
  {
    pattern: /port is already allocated|address already in use/i,
    hint: 'stop the program that has that port, or choose another port in .env',
  },
  {
    pattern: /unknown or invalid runtime/i,
    hint: 'install that runtime in the engine, or remove RUNTIME from .env',
  },
  {
    pattern: /cannot connect to the docker daemon|is the docker daemon running/i,
    hint: `run ${command('setup')} to start the engine`,
  },
]
