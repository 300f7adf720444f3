import { rm } from 'node:fs/promises'
import { messageOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { replaceFile } from '../files/replace-file.ts'
import {
  type HostFileChange,
  hostFileChanges,
  hostFilesPath,
  renderHostFiles,
  scanWithRepository,
} from '../workspace/host-files/changes.ts'
import type { OpenedWorkspace } from '../workspace/workspace.ts'
import { readProtection } from './protection.ts'
import { mountedRepository } from './repository.ts'
import type { StateFolder } from './state/state-folder.ts'

/**
 * Records the files that run on the host on request, as they are before the agent starts. When that
 * fails, the stack still starts, but the folder gets no report.
 */
export async function noteHostFiles(workspace: OpenedWorkspace, state: StateFolder, log: Log) {
  const path = hostFilesPath(state.path)
  try {
    await rm(path, { force: true })
    if (workspace.mode === 'copy') return
    const repository = await mountedRepository(state)
    const files = await scanWithRepository(workspace.path, repository)
    await replaceFile(path, renderHostFiles(files, repository))
  } catch (error) {
    log({
      kind: 'warn',
      text: `cannot report changes of files that run on this host: ${messageOf(error)}`,
    })
    await rm(path, { force: true }).catch(() => {})
  }
}

/** Returns the changes to those files in the stack's folder since they were recorded. */
export async function changedHostFiles(state: StateFolder): Promise<HostFileChange[]> {
  const protection = await readProtection(state)
  return protection ? hostFileChanges(state.path, protection.workspace) : []
}
