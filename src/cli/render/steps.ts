import type { Step } from '../../workspace/copy/journal.ts'
import { changeLine } from '../../workspace/copy/render-patch.ts'

/** Renders a step of an apply, such as `M src/a.ts`. */
export function stepLine({ path, before, after }: Step): string {
  return changeLine({ path, kind: kindOf(before, after) })
}

/** Renders the reverse of a step. */
export function undoneLine({ path, before, after }: Step): string {
  return changeLine({ path, kind: kindOf(after, before) })
}

function kindOf(before: unknown, after: unknown) {
  return after === null ? 'deleted' : before === null ? 'added' : 'modified'
}
