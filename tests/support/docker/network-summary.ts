import { createHash } from 'node:crypto'
import type { NetworkSummary } from '../../../src/engine/engine.ts'

/** A network of a compose project, as the engine lists it. No interface of any host has its bridge's name. */
export function networkSummary(name: string, project: string): NetworkSummary {
  return {
    Id: createHash('sha256').update(name).digest('hex'),
    Name: name,
    Labels: { 'com.docker.compose.project': project },
  }
}
