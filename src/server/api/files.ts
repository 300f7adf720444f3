import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Turns } from '../../tenants/files/turns.ts'
import { mayUse } from '../../tenants/workspace.ts'
import { filesApi } from '../files/routes.ts'
import type { ServerLimits } from '../limits.ts'
import { callerOf } from '../plugins/auth.ts'

/** Serves the files of each token's tenant, and of its workspaces alone if the token has a list of them. */
export async function serveFiles(
  app: FastifyInstance,
  parts: {
    /** The real path of the folder with one folder for each tenant. */
    workspacesFolder: string
    /** Maximum size of a stored file in bytes. */
    fileBytes: number
    limits: ServerLimits
    turns: Turns
  },
): Promise<void> {
  const { workspacesFolder, fileBytes, limits, turns } = parts
  await app.register(filesApi, {
    rootOf: request => join(workspacesFolder, callerOf(request).tenant.name),
    mayUse: (request, relative) => mayUse(callerOf(request), relative),
    turns,
    limits: {
      fileBytes,
      listedEntries: limits.listedEntries,
      listingsBytes: limits.listingsBytes,
      idleMilliseconds: limits.stalledMilliseconds,
    },
  })
}
