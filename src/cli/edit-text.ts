import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { userEnvironment } from '../config/environment.ts'
import { withScratchFolder } from '../files/scratch-folder.ts'

/** Separates the words by which vi, vim and emacs take a line of a text for settings of theirs. */
export function withoutEditorSettings(text: string): string {
  return text
    .replace(/\b(vi|vim|ex)([<=>]?\d*):/gi, '$1$2 :')
    .replaceAll('-*-', '- * -')
    .replace(/\b(local variables):/gi, '$1 :')
}

/**
 * Lets a person change a text in their editor, of `VISUAL` or `EDITOR`; null when neither is set. Lines that begin
 * with `#` are removed. The text may be of the agent: no line of it is a setting of the editor.
 *
 * @param folder a folder of the user alone
 */
export async function editText(text: string, folder: string): Promise<string | null> {
  const { VISUAL, EDITOR } = userEnvironment()
  const [program, ...args] = (VISUAL || EDITOR || '').split(/\s+/).filter(Boolean)
  if (program === undefined) return null
  return withScratchFolder(folder, 'message-', async scratch => {
    const file = join(scratch, 'PULL_REQUEST.md')
    await writeFile(file, withoutEditorSettings(text), { mode: 0o600 })
    const status = await new Promise<number>((resolve, reject) => {
      const child = spawn(program, [...args, file], { cwd: '/', stdio: 'inherit' })
      child.once('error', reject).once('close', code => resolve(code ?? 1))
    })
    if (status !== 0) {
      throw new UserError(`the editor ${program} ended with status ${status}`, {
        hint: 'set EDITOR to a program that waits until the file is closed, or give --title and --body',
      })
    }
    const edited = await readFile(file, 'utf8')
    return edited.replace(/^#.*\n?/gm, '')
  })
}
