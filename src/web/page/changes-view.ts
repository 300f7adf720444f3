import type { CommitDetailsView, CommitsView, CommitView } from '../messages.ts'
import { renderPatch } from './diff.ts'
import { el, fill } from './dom.ts'
import { createReviewForm, type ReviewForm } from './review-form.ts'
import { fillText, type Texts } from './texts.ts'

type ChangesOptions = {
  texts: Texts
  read: (id: string) => Promise<CommitDetailsView>
  review: (stack: string, action: object) => Promise<void>
}

/** The commits of a git session with their diffs, and what a review leads to. */
export function createChangesView({ texts, read, review }: ChangesOptions) {
  let current: CommitsView | null = null
  let open: string | null = null
  const details = new Map<string, HTMLElement>()
  const list = el('ol', { class: 'rows commits' })
  /** One for each session: what a user wrote about one must not leave with another. */
  const forms = new Map<string, ReviewForm>()
  const place = el('div')
  const empty = el('p', { class: 'empty' }, texts.noSession)
  const older = el('p', { class: 'empty', hidden: true })
  const element = el('div', { class: 'changes' }, empty, list, older, place)

  const formOf = (stack: string) => {
    const known = forms.get(stack)
    if (known) return known
    const send = (action: object) => review(stack, action)
    const form = createReviewForm(texts, send, () => ({ commits: current, id: open }))
    forms.set(stack, form)
    return form
  }

  const toggle = async (id: string) => {
    open = open === id ? null : id
    show()
    if (open === null || details.has(id)) return
    const place = el('div', { class: 'details' }, texts.connecting)
    details.set(id, place)
    show()
    try {
      fill(place, renderDetails(await read(id), texts))
    } catch (error) {
      details.delete(id)
      fill(place, [error instanceof Error ? error.message : String(error)])
    }
  }
  const row = ({ id, subject, author, at, onBranch }: CommitView) =>
    el(
      'li',
      { 'data-commit': id },
      el(
        'button',
        {
          ...{ type: 'button', class: 'commit', click: () => void toggle(id) },
          'aria-expanded': String(open === id),
        },
        el('span', { class: 'subject' }, subject),
        el(
          'span',
          { class: 'facts' },
          [
            id.slice(0, 10),
            author,
            ...(at === null ? [] : [new Date(at).toLocaleString()]),
            ...(onBranch ? [] : [texts.offBranch]),
          ].join(' · '),
        ),
      ),
      ...(open === id ? [details.get(id) ?? ''] : []),
    )
  const show = () => {
    const focused = list.contains(document.activeElement)
      ? document.activeElement?.closest('li')?.dataset.commit
      : undefined
    older.hidden = !current || current.unlisted === 0
    older.textContent = fillText(texts.unlisted, current?.unlisted ?? 0)
    empty.hidden = current !== null && current.commits.length > 0
    empty.textContent = current === null ? texts.noSession : texts.noCommits
    fill(list, current?.commits.map(row) ?? [])
    if (focused) list.querySelector<HTMLElement>(`[data-commit="${focused}"] .commit`)?.focus()
  }
  show()
  return {
    element,
    /** Null for a stack that is not a git session. */
    show(session: { stack: string; commits: CommitsView } | null) {
      const commits = session?.commits ?? null
      const known = new Set(commits?.commits.map(({ id }) => id))
      for (const id of details.keys()) if (!known.has(id)) details.delete(id)
      if (open !== null && !known.has(open)) open = null
      current = commits
      show()
      if (!session) return void fill(place, [])
      const form = formOf(session.stack)
      form.show(session.commits)
      if (place.firstElementChild !== form.element) fill(place, [form.element])
    },
    /** Forgets what was written about sessions that have ended: a later one can have the same name. */
    keep(stacks: readonly string[]) {
      for (const stack of forms.keys()) if (!stacks.includes(stack)) forms.delete(stack)
    },
  }
}

function renderDetails(commit: CommitDetailsView, texts: Texts): HTMLElement[] {
  const { element, left } = renderPatch(commit.patch)
  const cut = commit.truncated || left > 0
  return [
    el('pre', { class: 'message' }, commit.message),
    ...(commit.findings.length === 0
      ? []
      : [
          el(
            'ul',
            { class: 'findings' },
            ...commit.findings.map(({ kind, path, detail, line }) =>
              el(
                'li',
                { class: kind },
                el('strong', {}, kind),
                ` ${path}${line === null ? '' : `:${line}`}: ${detail}`,
              ),
            ),
          ),
        ]),
    el(
      'ul',
      { class: 'files' },
      ...commit.files.map(({ path, kind, insertions, deletions }) =>
        el('li', { class: kind }, `${path} `, el('span', {}, stat(insertions, deletions, texts))),
      ),
    ),
    ...(commit.more ? [el('p', { class: 'empty' }, texts.moreFiles)] : []),
    element,
    ...(cut ? [el('p', { class: 'empty' }, fillText(texts.cutPatch, left))] : []),
  ]
}

function stat(insertions: number | null, deletions: number | null, texts: Texts) {
  return insertions === null || deletions === null ? texts.binary : `+${insertions} −${deletions}`
}
