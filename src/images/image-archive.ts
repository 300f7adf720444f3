import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import * as z from 'zod'
import { command } from '../base/command.ts'
import { messageOf, UserError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { readChunks } from '../files/held-file.ts'
import { openRegularFile } from '../files/regular-file.ts'
import { exec, execOk } from '../process/exec.ts'

/** Milliseconds: the images have some gigabytes, and a disk may be slow. */
const longest = 30 * 60_000
const manifestBytes = 1024 * 1024
const chunkBytes = 1024 * 1024

/** The list of images in an archive of the engine. */
const Manifest = z.array(z.object({ RepoTags: z.array(z.string()).nullable() }))

type Options = { client: DockerClient; path: string; signal?: AbortSignal }

/** Writes images into one file. Returns its digest, `sha256:…`, by which another machine takes it. */
export async function saveImages(
  names: readonly string[],
  { client, path, signal }: Options,
): Promise<string> {
  // Podman's archives have one image unless told otherwise.
  const several = client.kind === 'podman' ? ['--multi-image-archive'] : []
  const args = ['save', ...several, '--output', path, ...names]
  await execOk(client.file, args, { env: client.env, timeout: longest, signal })
  return withArchive(path, digestOf)
}

/**
 * Gives the images of a file to the engine, if the file has this digest, and each image one of these names:
 * an archive may replace any image of the engine.
 *
 * @throws UserError for another digest, another name, or a file that is no archive of images.
 */
export async function loadImages(
  wanted: { digest: string; names: readonly string[] },
  { client, path, signal }: Options,
): Promise<void> {
  await withArchive(path, async file => {
    const digest = await digestOf(file)
    if (digest !== wanted.digest) {
      throw new UserError(`${terminalLine(path)} has the digest ${digest}`, {
        hint: 'get the file again, or check the digest with the person who made it',
      })
    }
    const names = await namesIn(file, { client, path, signal })
    const foreign = names.find(name => !wanted.names.includes(name.replace(/^localhost\//, '')))
    if (foreign !== undefined) {
      throw new UserError(
        `${terminalLine(path)} has ${terminalLine(foreign, 100)}, which is not an image of this checkout`,
        { hint: `make it with the same version and settings, or run ${command('build')} here` },
      )
    }
    await execOk(client.file, ['load'], {
      ...{ env: client.env, timeout: longest, signal },
      input: Readable.from(contentOf(file)),
    })
  })
}

async function withArchive<T>(path: string, body: (file: FileHandle) => Promise<T>): Promise<T> {
  const opened = await openRegularFile(path, { follow: true }).catch((cause: unknown) => {
    throw unusable(path, messageOf(cause), cause)
  })
  if (opened.kind !== 'open') {
    throw unusable(path, opened.kind === 'missing' ? 'it is missing' : 'it is not a regular file')
  }
  try {
    return await body(opened.file)
  } finally {
    await opened.file.close()
  }
}

/** Every pass reads the file that was opened: another one may have its name by now. */
const contentOf = (file: FileHandle) => readChunks(file, chunkBytes)

async function digestOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of contentOf(file)) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}

async function namesIn(file: FileHandle, { client, path, signal }: Options): Promise<string[]> {
  const { code, stdout } = await exec('tar', ['--extract', '--to-stdout', 'manifest.json'], {
    ...{ input: Readable.from(contentOf(file)), limit: manifestBytes, timeout: longest, signal },
    env: client.env,
  })
  const parsed = Manifest.safeParse(code === 0 ? parseJson(stdout) : null)
  const names = parsed.data?.flatMap(({ RepoTags }) => RepoTags ?? [])
  if (!names || names.length === 0) throw unusable(path, 'it is not an archive of images')
  return names
}

function unusable(path: string, why: string, cause?: unknown) {
  return new UserError(`${terminalLine(path)} cannot be loaded: ${why}`, {
    hint: `name a file that ${command('images save FILE')} wrote`,
    ...(cause !== undefined && { cause }),
  })
}
