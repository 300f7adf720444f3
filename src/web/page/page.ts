import type { CommitDetailsView, LiveMessage, StackView } from '../messages.ts'
import { createChangesView } from './changes-view.ts'
import { type Connection, keepOpen, Refusal } from './connection.ts'
import { el, fill } from './dom.ts'
import { createEgressView } from './egress-view.ts'
import { createNotifier } from './notifier.ts'
import { createRunsView } from './runs-view.ts'
import { openPane, type Pane } from './terminal-pane.ts'
import { fillText, type Language, languages, type Texts } from './texts.ts'
import { createUsageView } from './usage-view.ts'
import { createViews } from './views.ts'

/** Milliseconds that a sentence stays. */
const saidMilliseconds = 8_000

/** Builds the page: stacks above, terminals side by side, and the views of the stack that has the focus. */
export function createPage(
  connection: Connection,
  { language, texts }: { language: Language; texts: Texts },
) {
  const panes = new Map<string, Pane>()
  let stacks: StackView[] = []
  let watched: string | null = null
  let live: WebSocket | null = null
  const asked = new Set<string>()

  const toast = el('div', { class: 'toast', role: 'status', 'aria-live': 'polite' })
  const say = (text: string) => {
    const line = el('p', {}, text)
    toast.append(line)
    setTimeout(() => line.remove(), saidMilliseconds)
    while (toast.childElementCount > 3) toast.firstElementChild?.remove()
  }
  const act = async (path: string, body: object) => {
    try {
      const { notices } = await connection.post(path, { stack: watched, ...body })
      for (const notice of notices) say(notice)
      if (notices.length === 0) say(texts.done)
    } catch (error) {
      say(error instanceof Error ? error.message : String(error))
      if (error instanceof Refusal && error.hint !== null) say(error.hint)
      throw error
    }
  }
  const quietly = (work: Promise<void>) => work.catch(() => {})
  const notifier = createNotifier(texts, say)
  const egress = createEgressView({ texts, edit: edit => act('/api/policy', edit) })
  const runs = createRunsView({
    texts,
    say,
    answer: (runId, question, answers) => quietly(act('/api/answer', { runId, question, answers })),
    cancel: runId => quietly(act('/api/cancel', { runId })),
  })
  const usage = createUsageView(texts)
  const changes = createChangesView({
    texts,
    read: id => connection.post<CommitDetailsView>('/api/commit', { stack: watched, id }),
    review: (stack, action) => act('/api/review', { stack, ...action }),
  })
  let newest: string | null = null

  const grid = el('main', { class: 'grid', 'aria-label': texts.terminals })
  const empty = el('p', { class: 'alone' }, texts.connecting)
  grid.append(empty)
  const side = el('aside', { class: 'side' })
  side.append(changes.element, egress.element, runs.element, usage.element)
  const views = createViews(
    texts.views,
    [
      { id: 'terminals', label: texts.terminals, element: grid },
      { id: 'changes', label: texts.changes, element: changes.element },
      { id: 'egress', label: texts.egress, element: egress.element },
      { id: 'runs', label: texts.runs, element: runs.element },
      { id: 'usage', label: texts.usage, element: usage.element },
    ],
    id => {
      document.body.dataset.view = id
      for (const pane of panes.values()) pane.refit()
    },
  )
  const chooser = el('nav', { class: 'stacks', 'aria-label': texts.stacks })

  const nameOf = (stack: string) => {
    const found = stacks.find(known => known.stack === stack)
    return found ? (found.session ?? found.folder.split('/').at(-1) ?? found.folder) : stack
  }
  const watch = (stack: string | null) => {
    if (stack === watched) return
    watched = stack
    egress.clear()
    runs.show([])
    usage.show(null)
    changes.show(null)
    newest = null
    sendWatch()
    showStacks()
  }
  const sendWatch = () => {
    if (live?.readyState === WebSocket.OPEN) live.send(JSON.stringify({ watch: watched }))
  }
  const open = (stack: StackView) => {
    const known = panes.get(stack.stack)
    if (known) known.focus()
    else {
      const pane = openPane(stack, {
        ...{ connection, texts, say },
        waits: () => notifier.notify(fillText(texts.waits, nameOf(stack.stack))),
        focused: () => watch(stack.stack),
        closed: () => close(stack.stack),
      })
      panes.set(stack.stack, pane)
      grid.append(pane.element)
    }
    watch(stack.stack)
    showStacks()
  }
  const close = (stack: string) => {
    panes.get(stack)?.close()
    panes.delete(stack)
    showStacks()
  }
  const showStacks = () => {
    empty.hidden = panes.size > 0
    empty.textContent = stacks.length === 0 ? texts.noStacks : ''
    fill(
      chooser,
      stacks.map(stack =>
        el(
          'button',
          {
            ...{ type: 'button', title: stack.folder, click: () => open(stack) },
            'aria-pressed': String(panes.has(stack.stack)),
            ...(stack.stack === watched && { 'aria-current': 'true' }),
          },
          nameOf(stack.stack),
        ),
      ),
      { keep: true },
    )
  }

  const receive = (message: LiveMessage) => {
    switch (message.kind) {
      case 'stacks': {
        stacks = message.stacks
        changes.keep(stacks.map(({ stack }) => stack))
        showStacks()
        const [first] = stacks
        if (watched === null && first) open(first)
        return
      }
      case 'egress':
        if (message.stack !== watched) return
        egress.add(message.entries, message.leftOut)
        if (message.entries.some(({ canAllow }) => canAllow)) views.mark('egress', true)
        return
      case 'runs':
        if (message.stack !== watched) return
        runs.show(message.runs)
        for (const { runId, question } of message.runs) {
          if (!question || asked.has(`${runId} ${question.id}`)) continue
          asked.add(`${runId} ${question.id}`)
          views.mark('runs', true)
          notifier.notify(fillText(texts.runAsks, nameOf(message.stack)))
        }
        return
      case 'usage':
        if (message.stack === watched) usage.show(message.usage)
        return
      case 'commits': {
        if (message.stack !== watched) return
        changes.show(message)
        const [first] = message.commits.commits
        if (newest !== null && first && first.id !== newest) {
          views.mark('changes', true)
          notifier.notify(fillText(texts.newCommit, nameOf(message.stack)))
        }
        newest = first?.id ?? ''
        return
      }
      case 'trouble':
        return say(message.text)
      default:
        return message satisfies never
    }
  }

  const notify = el('button', { type: 'button', 'aria-pressed': 'false' }, texts.notify)
  notify.addEventListener('click', () => {
    notifier.toggle().then(
      () => {
        notify.textContent = notifier.isOn() ? texts.notifyOff : texts.notify
        notify.setAttribute('aria-pressed', String(notifier.isOn()))
      },
      () => say(texts.notifyDenied),
    )
  })
  const choose = el(
    'select',
    { 'aria-label': texts.language },
    ...Object.entries(languages).map(([name, { name: shown }]) =>
      el('option', { value: name, selected: name === language, lang: name }, shown),
    ),
  )
  choose.addEventListener('change', () => {
    localStorage.setItem('language', choose.value)
    location.reload()
  })
  document.body.replaceChildren(
    el('header', { class: 'top' }, el('h1', {}, 'claude-secure'), chooser, notify, choose),
    grid,
    side,
    views.element,
    toast,
  )
  document.addEventListener('keydown', event => {
    if (event.key !== 'F6') return
    event.preventDefault()
    const pane = watched === null ? undefined : panes.get(watched)
    if (grid.contains(document.activeElement) || !pane) {
      views.element.querySelector<HTMLElement>('[aria-selected=true]')?.focus()
    } else {
      if (getComputedStyle(grid).display === 'none') views.show('terminals')
      pane.focus()
    }
  })
  views.show(matchMedia('(max-width: 760px)').matches ? 'terminals' : 'egress')
  keepOpen(() => connection.open('/live'), {
    opened(socket) {
      live = socket
      document.body.classList.remove('offline')
      egress.clear()
      if (watched !== null) sendWatch()
    },
    message: ({ data }) => receive(JSON.parse(String(data)) as LiveMessage),
    closed(_event, opened) {
      live = null
      if (!opened && document.body.classList.contains('offline')) empty.textContent = texts.stopped
      document.body.classList.add('offline')
      return true
    },
  })
}
