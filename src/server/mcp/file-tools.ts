import { join } from 'node:path'
import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { systemCode } from '../../base/errors.ts'
import { openEntry } from '../../tenants/files/entry.ts'
import { fileErrorOf, outsideRoot } from '../../tenants/files/file-error.ts'
import { storeFile } from '../../tenants/files/store-file.ts'
import { type Target, targetOf } from '../../tenants/files/target.ts'
import type { Turns } from '../../tenants/files/turns.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { mayUse } from '../../tenants/workspace.ts'
import { listFolder } from '../files/listing.ts'
import { tooLarge } from '../files/receive.ts'
import { removeFile } from '../files/remove-file.ts'
import { type Call, type Serve, toolResult } from './call.ts'
import { lenient } from './lenient.ts'
import { readText } from './read-text.ts'

export type FileToolParts = {
  server: McpServer
  serve: Serve
  workspacesFolder: string
  turns: Turns
  /** Maximum size of a stored file in bytes. */
  fileBytes: number
  /** Maximum number of entries in one listing. */
  listedEntries: number
}

const path = z.string().describe('Path below the root, such as demo/notes.txt.')
const listed = z.object({
  path: z.string(),
  entries: z.array(
    z.object({ name: z.string(), type: z.enum(['dir', 'file']), size: z.number().optional() }),
  ),
  truncated: z.boolean().optional(),
})
const stored = z.object({ status: z.literal('ok'), path: z.string(), size: z.number().optional() })

const inputs = {
  folder: lenient(z.object({ path: path.default('') })),
  file: lenient(z.object({ path })),
  content: lenient(z.object({ path, content: z.string() })),
}

/** Registers the tools for the files of the workspaces, confined as those of `/files`. */
export function registerFileTools(parts: FileToolParts) {
  const { server, serve, turns, fileBytes, listedEntries } = parts
  const rootOf = ({ exchange }: Call) => join(parts.workspacesFolder, exchange.caller.tenant.name)

  server.registerTool(
    'list_files',
    {
      title: 'List files',
      description: 'List files and folders in a workspace.',
      inputSchema: inputs.folder,
      outputSchema: listed,
      annotations: { readOnlyHint: true },
    },
    (given, ctx) =>
      serve(ctx, call =>
        atTarget(call, given.path, async target => {
          const entry = openEntry(rootOf(call), target)
          if (entry.kind === 'file') {
            await entry.file.close()
            throw new HttpError(400, `not a directory: ${given.path}`)
          }
          try {
            const listing = await listFolder(entry.folder, {
              most: listedEntries,
              shows: name => target.parts.length > 0 || mayUse(call.exchange.caller, name),
              hold: call.hold,
            })
            return jsonResult({ path: target.asked || '/', ...listing })
          } finally {
            await entry.folder.close()
          }
        }),
      ),
  )

  server.registerTool(
    'read_file',
    {
      title: 'Read a file',
      description: 'Read a text file from a workspace.',
      inputSchema: inputs.file,
      annotations: { readOnlyHint: true },
    },
    (given, ctx) =>
      serve(ctx, call =>
        atTarget(call, given.path, async target =>
          toolResult(await readText(rootOf(call), target, call.hold)),
        ),
      ),
  )

  server.registerTool(
    'write_file',
    {
      title: 'Write a file',
      description:
        'Write a file to a workspace. Creates missing folders, replaces an existing file.',
      inputSchema: inputs.content,
      outputSchema: stored,
      annotations: { destructiveHint: true, idempotentHint: true },
    },
    (given, ctx) =>
      serve(ctx, call =>
        atTarget(call, given.path, async target => {
          const content = Buffer.from(given.content)
          if (content.length > fileBytes) throw tooLarge(fileBytes)
          call.hold(content.length)
          const { size } = await storeFile({
            ...{ root: rootOf(call), target, headers: {}, turns },
            write: async file => {
              await file.writeFile(content)
              return content.length
            },
          })
          return jsonResult({ status: 'ok', path: given.path, size })
        }),
      ),
  )

  server.registerTool(
    'delete_file',
    {
      title: 'Delete a file',
      description: 'Delete a file from a workspace.',
      inputSchema: inputs.file,
      outputSchema: stored,
      annotations: { destructiveHint: true },
    },
    (given, ctx) =>
      serve(ctx, call =>
        atTarget(call, given.path, async target => {
          await removeFile({ root: rootOf(call), target, headers: {}, turns })
          return jsonResult({ status: 'ok', path: given.path })
        }),
      ),
  )
}

/** Does something with what a path names, if the token may use it. */
async function atTarget<T>(call: Call, asked: string, work: (target: Target) => Promise<T>) {
  const target = targetOf(asked)
  const { relative } = target
  if (relative !== '' && !mayUse(call.exchange.caller, relative)) throw outsideRoot()
  try {
    return await work(target)
  } catch (error) {
    throw fileErrorOf(systemCode(error) ?? undefined, asked) ?? error
  }
}

function jsonResult(value: Record<string, unknown>) {
  return toolResult(JSON.stringify(value), value)
}
