import { UserError } from '../base/errors.ts'
import { step } from '../base/log.ts'
import { lastLine } from '../base/terminal-text.ts'
import { hardened } from '../engine/throwaway-container.ts'
import type { ReversePath } from '../machine/reverse-path.ts'
import { exec } from '../process/exec.ts'
import type { StartContext } from './start-context.ts'

const program = '/usr/local/lib/claude-secure/reverse-path'

/**
 * Turns the reverse path filter of bridges on from a container in the engine's own network, and returns its state
 * for each. For a user who is not root here, and for an engine on another machine or in a namespace of its own.
 * A user who starts containers may do the same; this one has a single capability and one program of the image.
 */
export async function filterOnEngine(
  { docker, log, signal }: Pick<StartContext, 'docker' | 'log' | 'signal'>,
  image: string,
  bridges: readonly string[],
): Promise<Map<string, ReversePath>> {
  const call = [
    ...['run', ...hardened, '--network', 'host', '--userns', 'host', '--user', '0'],
    ...['--cap-add', 'NET_ADMIN', '--entrypoint', program, image, ...bridges],
  ]
  const result = await step(log, 'closing the internal networks to the host', () =>
    exec(docker.file, call, { env: docker.env, timeout: 60_000, limit: 64 * 1024, signal }),
  )
  if (result.code !== 0) {
    throw new UserError(
      `cannot close the internal networks to the host: ${lastLine(result.stderr, 200)}`,
      {
        hint: 'run sysctl -w net.ipv4.conf.default.rp_filter=2 as root on the machine of the engine, then run this command again',
      },
    )
  }
  return parseFilters(result.stdout)
}

/** Parses the lines "NAME on", "NAME off" and "NAME absent". */
export function parseFilters(text: string): Map<string, ReversePath> {
  return new Map(
    [...text.matchAll(/^(\S+) (on|off|absent)$/gm)].map(([, name = '', state]) => [
      name,
      state === 'absent' ? null : state === 'on',
    ]),
  )
}
