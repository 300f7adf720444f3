import type { CommitsView } from '../messages.ts'
import { confirm } from './dialog.ts'
import { el } from './dom.ts'
import { fillText, type Texts } from './texts.ts'

/** Sends an action, which is without its stack; rejects when it was refused. */
export type Review = (action: object) => Promise<void>

type Shown = { commits: CommitsView | null; id: string | null }

/**
 * The actions of a review of one session. A push and a pull request send the newest commit that is on the page, so
 * that nothing leaves that the user has not seen; each of them, and a discard, asks once more.
 */
export function createReviewForm(texts: Texts, review: Review, shown: () => Shown) {
  const branch = el('input', { type: 'text', 'aria-label': texts.branch, maxlength: '200' })
  const title = el('input', { type: 'text', 'aria-label': texts.title, maxlength: '300' })
  const body = el('textarea', { 'aria-label': texts.message, rows: '4', maxlength: '20000' })
  const comment = el('textarea', {
    ...{ 'aria-label': texts.comment, placeholder: texts.comment, rows: '2', maxlength: '20000' },
  })
  let proposed = ''

  const send = async (action: object, question: string | null) => {
    if (question !== null && !(await confirm(question, texts))) return
    element.inert = true
    await review(action)
      .then(() => {
        if ('text' in action) comment.value = ''
      })
      .catch(() => {})
    element.inert = false
  }
  const tip = () => shown().commits?.tip ?? null
  const wanted = () => (branch.value.trim() === '' ? {} : { branch: branch.value.trim() })
  const count = () => shown().commits?.commits.filter(({ onBranch }) => onBranch).length ?? 0
  const push = () => {
    const question = fillText(texts.pushQuestion, count(), branch.value)
    return send({ action: 'push', tip: tip(), ...wanted() }, question)
  }
  const open = () => {
    const question = fillText(texts.pullRequestQuestion, count(), branch.value)
    const text = { title: title.value, body: body.value }
    return send({ action: 'pull-request', tip: tip(), ...wanted(), ...text }, question)
  }
  const say = () => send({ action: 'comment', id: shown().id, text: comment.value }, null)
  const discard = () => send({ action: 'discard' }, fillText(texts.discardQuestion, count()))

  const button = (text: string, kind: string, press: () => Promise<void>) =>
    el('button', { type: 'button', class: kind, click: () => void press() }, text)
  const pushes = el(
    'div',
    { class: 'push' },
    el('label', {}, texts.branch, branch),
    button(texts.push, 'allow', push),
  )
  const opens = el(
    'details',
    {},
    el('summary', {}, texts.pullRequest),
    el('label', {}, texts.title, title),
    body,
    button(texts.pushAndOpen, 'allow', open),
  )
  const element = el(
    'div',
    { class: 'review' },
    el('div', { class: 'comment' }, comment, button(texts.send, '', say)),
    pushes,
    opens,
    button(texts.discard, 'cancel', discard),
  )
  return {
    element,
    show(commits: CommitsView) {
      const isSeen = commits.tip !== null && commits.unlisted === 0
      pushes.hidden = !commits.mayPush || !isSeen
      opens.hidden = !commits.mayOpenPullRequest || !isSeen
      // What the user typed stays; another proposal replaces only the last one.
      if (branch.value === '') branch.value = commits.branch
      if (`${title.value}\n${body.value}` === proposed || title.value === '') {
        title.value = commits.title
        body.value = commits.body
        proposed = `${title.value}\n${body.value}`
      }
    },
  }
}

export type ReviewForm = ReturnType<typeof createReviewForm>
