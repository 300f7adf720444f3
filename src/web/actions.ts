import type { FastifyInstance } from 'fastify'
import {
  AnswerRequest,
  CancelRequest,
  CommitRequest,
  PolicyRequest,
  ReviewRequest,
} from './messages.ts'
import type { WebSources } from './sources.ts'

/** Serves what the page does: it edits the policy, answers questions, cancels runs, and reviews commits. */
export function serveActions(app: FastifyInstance, sources: WebSources) {
  app.post('/api/policy', async request => {
    const { stack, ...edit } = PolicyRequest.parse(request.body)
    return { notices: await sources.editPolicy(stack, edit) }
  })
  app.post('/api/answer', async request => {
    const { stack, runId, question, answers } = AnswerRequest.parse(request.body)
    await sources.answer(stack, runId, answers, question)
    return { notices: [] }
  })
  app.post('/api/cancel', async request => {
    const { stack, runId } = CancelRequest.parse(request.body)
    await sources.cancel(stack, runId)
    return { notices: [] }
  })
  app.post('/api/commit', async request => {
    const { stack, id } = CommitRequest.parse(request.body)
    return sources.commit(stack, id)
  })
  app.post('/api/review', async request => {
    return { notices: await sources.review(ReviewRequest.parse(request.body)) }
  })
}
