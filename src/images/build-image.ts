import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { terminalLine } from '../base/terminal-text.ts'
import { engineFailed } from '../engine/engine-failure.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { exec } from '../process/exec.ts'

export type ImageBuild = {
  tag: string
  /** Folder with the files that the Dockerfile copies. */
  context: string
  /** Path of the Dockerfile if it is outside of the context. */
  dockerfile?: string
  args: Record<string, string>
  /** Additional folders, by the name that `COPY --from=` uses. */
  contexts?: Record<string, string>
  /** Files that a step may read and that no layer keeps, by id. */
  secrets: Record<string, string>
  /** `key=value` */
  label: string
  noCache?: boolean
  /** Hint for a failed build. */
  hint?: string
}

const buildTimeout = 30 * 60_000

/**
 * Returns the arguments of the build. The builder is the engine's own (the docker driver): another
 * builder cannot see local images and needs a registry.
 */
export function buildArguments(build: ImageBuild, client: DockerClient['kind'], builder: string) {
  const list = (
    flag: string,
    values: Record<string, string>,
    render: (k: string, v: string) => string,
  ) => Object.entries(values).flatMap(([key, value]) => [flag, render(key, value)])
  return [
    ...(client === 'podman'
      ? ['build', '--pull=never', '--format=docker']
      : [
          'buildx',
          'build',
          '--builder',
          builder,
          '--load',
          '--progress=plain',
          '--provenance=false',
        ]),
    '--tag',
    build.tag,
    '--label',
    build.label,
    ...(build.dockerfile ? ['--file', build.dockerfile] : []),
    ...(build.noCache ? ['--no-cache'] : []),
    ...list('--build-arg', build.args, (key, value) => `${key}=${value}`),
    ...list('--build-context', build.contexts ?? {}, (key, value) => `${key}=${value}`),
    ...list('--secret', build.secrets, (key, value) => `id=${key},src=${value}`),
    build.context,
  ]
}

export async function buildImage(
  build: ImageBuild,
  options: {
    client: DockerClient
    builder: string
    logFile: string
    progress: (text: string) => void
    signal?: AbortSignal
  },
): Promise<void> {
  const { client, logFile, progress, signal } = options
  const result = await exec(client.file, buildArguments(build, client.kind, options.builder), {
    env: client.env,
    timeout: buildTimeout,
    signal,
    onLine: line => {
      const text = parseBuildStep(line)
      if (text) progress(text)
    },
  })
  if (result.code === 0) return
  const output = result.stdout + result.stderr
  await mkdir(dirname(logFile), { recursive: true, mode: 0o700 })
  await writeFile(logFile, output)
  throw await engineFailed(`cannot build ${build.tag}`, output, client, {
    problem: buildProblem(output).replace(/^error: /, ''),
    hint: `${build.hint ? `${build.hint}; ` : ''}see the whole output in ${logFile}`,
  })
}

/**
 * Parses `#7 [3/8] RUN apt-get update …` to `[3/8] RUN apt-get update …`; returns null for other
 * lines.
 */
export function parseBuildStep(line: string): string | null {
  const text = /^#\d+ (\[[^\]]*\d+\/\d+\] .*)$|^(STEP \d+\/\d+: .*)$/.exec(line)
  const found = text?.[1] ?? text?.[2]
  return found ? terminalLine(found.replace(/--mount=\S+\s*/g, ''), 80) : null
}

/**
 * Returns the line that explains a failure: the last output of the failing step, otherwise the
 * builder's error.
 */
export function buildProblem(output: string): string {
  const lines = output.split('\n')
  const own = lines.map(line => /^#\d+ \d+\.\d+ (.*\S)/.exec(line)?.[1] ?? null)
  const errorAt = lines.findIndex(line => /^#\d+ ERROR: /.test(line))
  const failing = errorAt >= 0 ? /^#\d+/.exec(lines[errorAt] ?? '')?.[0] : undefined
  const printed = lines
    .map((line, index) => ({ line, text: own[index] }))
    .filter(({ line, text }) => text && failing && line.startsWith(`${failing} `))
    .map(({ text }) => text ?? '')
  const cause = printed.findLast(text => /^(E:|error|fatal)/i.test(text)) ?? printed.at(-1)
  const last = lines.findLast(line => /^ERROR: |^Error: /.test(line))
  return terminalLine(cause ?? last ?? lines.findLast(line => line.trim() !== '') ?? 'no output')
}
