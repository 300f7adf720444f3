import { el } from './dom.ts'

export type View = { id: string; label: string; element: HTMLElement }

/** Creates a row of tabs and their panels. Arrow keys move between tabs, as screen readers expect. */
export function createViews(label: string, views: readonly View[], shown: (id: string) => void) {
  const tabs = views.map(({ id, label, element }) => {
    element.id = `view-${id}`
    element.setAttribute('role', 'tabpanel')
    element.setAttribute('aria-labelledby', `tab-${id}`)
    return el(
      'button',
      {
        ...{ type: 'button', role: 'tab', id: `tab-${id}` },
        'aria-controls': element.id,
        click: () => show(id),
      },
      label,
      el('span', { class: 'badge', hidden: true }, '●'),
    )
  })
  const element = el('div', { role: 'tablist', class: 'tabs', 'aria-label': label }, ...tabs)
  element.addEventListener('keydown', event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const { activeElement } = document
    const at = activeElement instanceof HTMLButtonElement ? tabs.indexOf(activeElement) : -1
    if (step === undefined || at < 0) return
    const next = (at + step + views.length) % views.length
    show(views[next]?.id ?? '')
    tabs[next]?.focus()
  })
  const show = (id: string) => {
    for (const [at, view] of views.entries()) {
      const isShown = view.id === id
      view.element.classList.toggle('shown', isShown)
      tabs[at]?.setAttribute('aria-selected', String(isShown))
      tabs[at]?.setAttribute('tabindex', isShown ? '0' : '-1')
      if (isShown) mark(id, false)
    }
    shown(id)
  }
  /** Marks a tab whose view has news. */
  const mark = (id: string, isMarked: boolean) => {
    const badge = element.querySelector<HTMLElement>(`#tab-${id} .badge`)
    if (badge) badge.hidden = !isMarked
  }
  return { element, show, mark }
}
