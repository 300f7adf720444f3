import type { StructuredPatchHunk } from 'diff'
import type { Step } from '../../workspace/copy/journal.ts'
import { displayPath, letters, renderHunk } from '../../workspace/copy/render-patch.ts'

export type ChooseContext = {
  /** Reads one line from the person at the terminal; null at the end of input. */
  ask: (question: string) => Promise<string | null>
  show: (text: string) => void
  /** Renders the change as a patch. */
  patchOf: (step: Step) => Promise<string>
  /** Returns the parts of a change that can be applied one by one; null when there is only one. */
  hunksOf: (step: Step) => Promise<StructuredPatchHunk[] | null>
  /** Returns the step reduced to these parts of its change. */
  withHunks: (step: Step, hunks: readonly StructuredPatchHunk[]) => Promise<Step>
}

const help = `y  apply this file       n  leave it in the copy
d  show the diff         p  choose parts of it
a  apply this file and all later ones without a conflict
q  quit: apply the files chosen so far
`

/** Asks about each file. A file that changed on both sides is asked about even after `a`. */
export async function chooseSteps(
  steps: readonly Step[],
  conflicts: ReadonlySet<string>,
  context: ChooseContext,
): Promise<Step[]> {
  const chosen: Step[] = []
  let all = false
  for (const [index, step] of steps.entries()) {
    const conflict = conflicts.has(step.path)
    if (all && !conflict) {
      chosen.push(step)
      continue
    }
    const answer = await askAbout(step, conflict, `${index + 1}/${steps.length}`, context)
    if (answer === 'quit') break
    if (answer === 'all') all = true
    if (answer === 'all' || answer === 'yes') chosen.push(step)
    else if (answer !== 'no') chosen.push(answer)
  }
  return chosen
}

async function askAbout(
  step: Step,
  conflict: boolean,
  count: string,
  context: ChooseContext,
): Promise<'yes' | 'no' | 'all' | 'quit' | Step> {
  const what = `${letters[kindOf(step)]} ${displayPath(step.path)}`
  const question = conflict
    ? `(${count}) ${what} changed here too: replace it with the copy's version? [y,n,d,q,?] `
    : `(${count}) ${what}: apply it? [y,n,d,p,a,q,?] `
  for (;;) {
    const answer = await context.ask(question)
    switch (answer?.trim().toLowerCase()) {
      case 'y':
      case 'yes':
        return 'yes'
      case 'n':
      case 'no':
        return 'no'
      case 'q':
      case undefined:
        return 'quit'
      case 'a':
        if (!conflict) return 'all'
        break
      case 'd':
        context.show(await context.patchOf(step))
        continue
      case 'p': {
        const hunks = conflict ? null : await context.hunksOf(step)
        if (hunks) return choosePart(step, hunks, context)
        context.show('it has only one part\n')
        continue
      }
      default:
    }
    context.show(help)
  }
}

async function choosePart(
  step: Step,
  hunks: readonly StructuredPatchHunk[],
  context: ChooseContext,
): Promise<'yes' | 'no' | 'quit' | Step> {
  const taken: StructuredPatchHunk[] = []
  for (const [index, hunk] of hunks.entries()) {
    context.show(`${renderHunk(hunk)}\n`)
    const answer = await context.ask(`part ${index + 1} of ${hunks.length}: apply it? [y,n,q] `)
    if (answer === null) return 'quit'
    if (/^q/i.test(answer.trim())) break
    if (/^y/i.test(answer.trim())) taken.push(hunk)
  }
  if (taken.length === 0) return 'no'
  return taken.length === hunks.length ? 'yes' : context.withHunks(step, taken)
}

function kindOf({ before, after }: Step) {
  return after === null ? 'deleted' : before === null ? 'added' : 'modified'
}
