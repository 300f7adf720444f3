import { oneLineJson } from '../../base/json.ts'
import { type Answers, type Question, Questions } from '../../run/question.ts'
import type { RunnerEvent } from '../../run/runner-protocol.ts'
import type { Json } from './output.ts'

/** Maximum questions of one run. A model that asks more often gets no answer. */
const maxQuestions = 100
/** Maximum questions that wait behind the open one. */
const maxWaiting = 10
const idLength = 200

/** Result of the tool for the model when there is no answer. */
const noAnswer =
  'No answer: no one answered this question in time. Do not ask again. Decide yourself, go on, and state your assumption in your final answer.'

export type QuestionsOptions = {
  /** Writes to claude's stdin. */
  write: (text: string) => void
  emit: (event: RunnerEvent) => Promise<void>
  /** Whether anyone can answer. */
  asks: boolean
  /** Maximum seconds that a question waits for its answer. */
  seconds: number
  /** Called when a question opens or closes. */
  onWaiting: (isWaiting: boolean) => void
}

type Asked = { requestId: string; input: Json; questions: Question[] }
type Open = Asked & { id: string; timer: NodeJS.Timeout }

/**
 * Serves claude's requests to its host. Passes questions to the client, one at a time, and the answers back
 * to claude; without an answer, the model learns that there is none. Denies every other request as Claude
 * Code does without a host.
 */
export function createQuestions({ write, emit, asks, seconds, onWaiting }: QuestionsOptions) {
  const waiting: Asked[] = []
  let open: Open | null = null
  let asked = 0
  let opened = 0
  let isClosed = false

  const respond = (response: Json) => {
    write(`${oneLineJson({ type: 'control_response', response })}\n`)
  }
  const succeed = (requestId: string, response: Json) =>
    respond({ subtype: 'success', request_id: requestId, response })
  const deny = (requestId: string, message: string) =>
    succeed(requestId, { behavior: 'deny', message })

  function openNext() {
    if (open || isClosed) return
    const next = waiting.shift()
    if (!next) return
    const timer = setTimeout(() => settle(null), seconds * 1_000)
    const id = `q${++opened}`
    open = { ...next, id, timer }
    onWaiting(true)
    return emit({ kind: 'question', id, questions: next.questions, deadlineSeconds: seconds })
  }

  function shut(outcome: 'answered' | 'unanswered') {
    if (!open) return
    const { id, timer } = open
    clearTimeout(timer)
    open = null
    onWaiting(false)
    void emit({ kind: 'question-closed', id, outcome })
  }

  function settle(answers: Answers | null) {
    if (!open) return
    const { requestId, input } = open
    if (answers === null) deny(requestId, noAnswer)
    else succeed(requestId, { behavior: 'allow', updatedInput: { ...input, answers } })
    shut(answers === null ? 'unanswered' : 'answered')
    void openNext()
  }

  function canUseTool(requestId: string, request: Json) {
    const tool = String(request.tool_name).slice(0, idLength)
    if (tool !== 'AskUserQuestion' || !asks) {
      // Claude Code's own words without a host. Overrides no rule `ask` of the settings.
      return deny(
        requestId,
        `Claude requested permissions to use ${tool}, but you haven't granted it yet.`,
      )
    }
    const input = request.input as Json | undefined
    const questions = Questions.safeParse(input?.questions)
    if (!questions.success) return deny(requestId, 'The question has a form that cannot be shown.')
    asked++
    if (asked > maxQuestions || waiting.length >= maxWaiting) return deny(requestId, noAnswer)
    waiting.push({ requestId, input: input ?? {}, questions: questions.data })
    return openNext()
  }

  return {
    /** Takes a control message from claude. */
    take(message: Json): Promise<void> | undefined {
      const requestId = message.request_id
      if (typeof requestId !== 'string' || requestId.length > idLength || isClosed) return
      if (message.type === 'control_cancel_request') {
        const index = waiting.findIndex(other => other.requestId === requestId)
        if (index >= 0) waiting.splice(index, 1)
        if (open?.requestId !== requestId) return
        shut('unanswered')
        return openNext()
      }
      if (message.type !== 'control_request') return
      const request = (message.request ?? {}) as Json
      if (request.subtype === 'can_use_tool') return canUseTool(requestId, request) ?? undefined
      respond({
        subtype: 'error',
        request_id: requestId,
        error: 'this host does not serve requests',
      })
    },

    /**
     * Answers the open question. Null means that there is no answer, and so does an answer to none of its
     * questions. Returns false when the question is not open.
     */
    answer(id: string, answers: Answers | null): boolean {
      if (open?.id !== id) return false
      const texts = new Set(open.questions.map(({ question }) => question))
      const known = Object.entries(answers ?? {})
        .filter(([text]) => texts.has(text))
        // Claude Code takes one text: several choices are joined by commas.
        .map(([text, choice]) => [text, typeof choice === 'string' ? choice : choice.join(', ')])
      settle(known.length === 0 ? null : Object.fromEntries(known))
      return true
    },

    /** Closes all questions without an answer to claude, which would continue its turn. */
    close() {
      isClosed = true
      waiting.length = 0
      shut('unanswered')
    },
  }
}
export type TurnQuestions = ReturnType<typeof createQuestions>
