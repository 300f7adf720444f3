import type { Answers, OpenQuestion, Question } from '../../run/question.ts'
import type { RunView } from '../messages.ts'
import { el, fill } from './dom.ts'
import { fillText, type Texts } from './texts.ts'

type RunsOptions = {
  texts: Texts
  answer: (runId: string, question: string, answers: Answers | null) => Promise<void>
  cancel: (runId: string) => Promise<void>
  say: (text: string) => void
}

/** The runs of a stack, newest first, and a form for a run that asks. */
export function createRunsView(options: RunsOptions) {
  const { texts } = options
  const forms = new Map<string, HTMLElement>()
  const element = el('div', { class: 'runs' }, el('p', { class: 'empty' }, texts.noRuns))

  /** Keeps a form while its question is open, with what the user has chosen in it. */
  const formOf = (runId: string, question: OpenQuestion) => {
    const key = `${runId} ${question.id}`
    const form = forms.get(key) ?? questionForm(runId, question, options)
    forms.set(key, form)
    return form
  }
  const row = ({ runId, state, startedAt, prompt, costUsd, question }: RunView) => {
    const active = /^(running|waiting)/.test(state)
    return el(
      'li',
      { 'data-run': runId, class: state.split(':')[0] ?? '' },
      el('p', { class: 'prompt' }, prompt),
      el(
        'p',
        { class: 'facts' },
        `${state} · ${new Date(startedAt).toLocaleString()}${costUsd === null ? '' : ` · $${costUsd.toFixed(4)}`}`,
      ),
      ...(question ? [formOf(runId, question)] : []),
      ...(active
        ? [
            el(
              'button',
              { type: 'button', class: 'cancel', click: () => void options.cancel(runId) },
              texts.cancel,
            ),
          ]
        : []),
    )
  }
  return {
    element,
    show(runs: readonly RunView[]) {
      const open = new Set(runs.map(({ runId, question }) => `${runId} ${question?.id}`))
      for (const key of forms.keys()) if (!open.has(key)) forms.delete(key)
      const focused = element.contains(document.activeElement) ? document.activeElement : null
      fill(element, [
        runs.length > 0
          ? el('ol', { class: 'rows' }, ...runs.map(row))
          : el('p', { class: 'empty' }, texts.noRuns),
      ])
      if (focused instanceof HTMLElement && focused.isConnected) focused.focus()
    },
  }
}

function questionForm(
  runId: string,
  { id, questions, deadline }: OpenQuestion,
  { texts, answer, say }: RunsOptions,
): HTMLElement {
  const parts = questions.map((question, at) => questionPart(question, `${runId}-${at}`, texts))
  const send = async (answers: Answers | null) => {
    form.inert = true
    await answer(runId, id, answers).finally(() => {
      form.inert = false
    })
  }
  const submit = (event: Event) => {
    event.preventDefault()
    const given = parts.map(({ read }) => read())
    if (given.some(value => value.length === 0)) return say(texts.chooseEach)
    void send(Object.fromEntries(questions.map(({ question }, at) => [question, given[at] ?? ''])))
  }
  const form: HTMLFormElement = el(
    'form',
    { class: 'question', submit },
    ...parts.map(({ element }) => element),
    el('p', { class: 'facts' }, fillText(texts.until, new Date(deadline).toLocaleTimeString())),
    el('button', { type: 'submit', class: 'allow' }, texts.answer),
    el('button', { type: 'button', click: () => void send(null) }, texts.noAnswer),
  )
  return form
}

function questionPart(question: Question, name: string, texts: Texts) {
  const type = question.multiSelect ? 'checkbox' : 'radio'
  const choices = question.options.map(({ label, description }) => {
    const input = el('input', { type, name, value: label })
    const text = el('span', {}, label)
    return {
      input,
      element: el('label', {}, input, text, ...(description ? [` – ${description}`] : [])),
    }
  })
  const other = el('input', { type: 'text', 'aria-label': texts.other, placeholder: texts.other })
  // One choice or a text: the text is the newer decision.
  other.addEventListener('input', () => {
    if (!question.multiSelect) for (const { input } of choices) input.checked = false
  })
  const element = el(
    'fieldset',
    {},
    el(
      'legend',
      {},
      question.header ? `${question.header}: ${question.question}` : question.question,
    ),
    ...choices.map(({ element }) => element),
    other,
  )
  const read = (): string | string[] => {
    const chosen = choices.filter(({ input }) => input.checked).map(({ input }) => input.value)
    const all = [...chosen, ...(other.value.trim() === '' ? [] : [other.value.trim()])]
    return question.multiSelect ? all : (all.at(-1) ?? '')
  }
  return { element, read }
}
