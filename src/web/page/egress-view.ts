import type { EgressView } from '../messages.ts'
import { confirm } from './dialog.ts'
import { el, fill } from './dom.ts'
import { fillText, type Texts } from './texts.ts'

type EgressOptions = {
  texts: Texts
  edit: (edit: { name: string; action: 'allow' | 'deny'; here: boolean }) => Promise<void>
}

/** Rows on the page; older ones leave it. */
const mostRows = 500

/**
 * The live log of the proxy's decisions, each with the button that changes it. Newest first. Allow asks once more:
 * an agent can make the rows move, so that another one is under the pointer when it is pressed.
 */
export function createEgressView({ texts, edit }: EgressOptions) {
  let leftOut = 0
  const rows = el('ol', { class: 'rows', 'aria-live': 'off' })
  const empty = el('p', { class: 'empty' }, texts.noEgress)
  const older = el('p', { class: 'empty', hidden: true })
  const onlyDenied = el('input', { type: 'checkbox' })
  const here = el('input', { type: 'checkbox', checked: true })
  const element = el(
    'div',
    { class: 'egress' },
    el(
      'div',
      { class: 'tools' },
      el('label', {}, onlyDenied, texts.deniedOnly),
      el('label', {}, here, texts.thisFolder),
    ),
    empty,
    rows,
    older,
  )
  onlyDenied.addEventListener('change', () => {
    element.classList.toggle('only-denied', onlyDenied.checked)
  })

  const button = (action: 'allow' | 'deny', name: string) => {
    const press = async () => {
      const onlyHere = here.checked
      const question = onlyHere ? texts.allowHereQuestion : texts.allowQuestion
      if (action === 'allow' && !(await confirm(fillText(question, name), texts))) return
      control.disabled = true
      await edit({ name, action, here: onlyHere }).catch(() => {
        control.disabled = false
      })
    }
    const label = fillText(action === 'allow' ? texts.allowName : texts.denyName, name)
    const control = el(
      'button',
      { type: 'button', class: action, 'aria-label': label, click: () => void press() },
      texts[action],
    )
    return control
  }
  const row = ({ at, verdict, caller, host, port, reason, canAllow, canDeny }: EgressView) =>
    el(
      'li',
      { class: verdict },
      el('time', {}, new Date(at * 1000).toLocaleTimeString()),
      el('span', { class: 'verdict' }, texts[verdict]),
      el('span', { class: 'host' }, port === '' ? host : `${host}:${port}`),
      el('span', { class: 'reason' }, verdict === 'allowed' ? caller : `${caller}, ${reason}`),
      ...(canAllow ? [button('allow', host)] : []),
      ...(canDeny ? [button('deny', host)] : []),
    )

  return {
    element,
    clear() {
      leftOut = 0
      fill(rows, [])
      older.hidden = true
      empty.hidden = false
    },
    add(entries: readonly EgressView[], omitted: number) {
      rows.prepend(...entries.map(row).reverse())
      leftOut += omitted
      while (rows.childElementCount > mostRows) {
        rows.lastElementChild?.remove()
        leftOut++
      }
      empty.hidden = rows.childElementCount > 0
      older.hidden = leftOut === 0
      older.textContent = fillText(texts.leftOut, leftOut)
    },
  }
}
