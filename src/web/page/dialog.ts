import { el } from './dom.ts'
import type { Texts } from './texts.ts'

/** Asks in a dialog of the page; false for No, Escape, and a dialog that was closed. */
export function confirm(question: string, texts: Texts): Promise<boolean> {
  const yes = el('button', { type: 'submit', value: 'yes', class: 'allow' }, texts.yes)
  const no = el('button', { type: 'submit', value: 'no' }, texts.no)
  const dialog = el('dialog', {}, el('form', { method: 'dialog' }, el('p', {}, question), no, yes))
  document.body.append(dialog)
  return new Promise(resolve => {
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(dialog.returnValue === 'yes')
    })
    dialog.showModal()
    no.focus()
  })
}
