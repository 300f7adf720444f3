import * as z from 'zod'
import type { ServiceDefinition } from '../../config/added-service.ts'
import { escapeVariables, readOnlyMount } from '../../engine/compose.ts'
import type { Engine } from '../../engine/engine.ts'

/** What an image runs by itself. */
export type ImageProgram = { entrypoint: readonly string[]; command: readonly string[] }

const words = z.array(z.string()).nullish()
const Image = z.object({
  Config: z.object({ Entrypoint: words, Cmd: words }).nullish(),
})

/** Path of the evidence in each container that waits for it. */
export const evidencePath = '/etc/claude-secure/filter'

/**
 * Starts a service only by the evidence in the file that `start` writes, as claude-secure-when-filtered does for
 * the agent (threat N19): the image has a shell, and not always more. It cannot ask the host, and so takes the host's
 * default at the last `start` (`ask`) for the present one.
 */
export const whenFiltered = `read -r boot < /proc/sys/kernel/random/boot_id
exec 3< ${evidencePath}
while read -r kind value <&3; do
  case $kind in
    starting) [ "$(date +%s || echo 0)" -lt "$value" ] && exec "$@" 3<&- ;;
    boot) [ "$value" = "$boot" ] && exec "$@" 3<&- ;;
    ask) exec "$@" 3<&- ;;
  esac
done
echo 'claude-secure: not started, because the host may accept datagrams of this service since it was restarted; run start in this folder' >&2
exit 78`

/** Returns the services with what their images run: an entrypoint of ours replaces both. */
export function withPrograms<T extends { image: string }>(
  engine: Pick<Engine, 'inspect'>,
  services: readonly T[],
): Promise<(T & { program: ImageProgram })[]> {
  return Promise.all(
    services.map(async service => {
      const { Config } = Image.parse(await engine.inspect(`/images/${service.image}/json`))
      const program = { entrypoint: Config?.Entrypoint ?? [], command: Config?.Cmd ?? [] }
      return { ...service, program }
    }),
  )
}

/** Renders entrypoint, command and mount of a service that waits for the filter. */
export function renderWhenFiltered(
  { definition, program }: { definition: ServiceDefinition; program?: ImageProgram | undefined },
  evidence: string,
): { entrypoint: string[]; command: string | string[]; mount: object } {
  const [first, rest] = partsOf(definition, program ?? { entrypoint: [], command: [] })
  const command =
    typeof first === 'string' || typeof rest === 'string'
      ? `${quoted(first)} ${quoted(rest)}`.trim()
      : [...first, ...rest]
  return {
    entrypoint: ['/bin/sh', '-c', escapeVariables(whenFiltered), 'sh'],
    command: typeof command === 'string' ? escapeVariables(command) : command.map(escapeVariables),
    mount: readOnlyMount(evidence, evidencePath),
  }
}

type Words = string | readonly string[]

/** As Compose does: an entrypoint of the file also replaces the image's command. */
function partsOf(
  { entrypoint, command }: Pick<ServiceDefinition, 'entrypoint' | 'command'>,
  image: ImageProgram,
): [Words, Words] {
  return entrypoint === undefined
    ? [image.entrypoint, command ?? image.command]
    : [entrypoint, command ?? []]
}

/** Compose splits a string into words as a shell does. */
function quoted(part: Words): string {
  if (typeof part === 'string') return part
  return part.map(word => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
}
