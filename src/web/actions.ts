import type { FastifyInstance } from 'fastify'
import { AnswerRequest, CancelRequest, PolicyRequest } from './messages.ts'
import type { WebSources } from './sources.ts'

/** Serves what the page does: it edits the policy, answers questions and cancels runs. */
export function serveActions(app: FastifyInstance, sources: WebSources) {
  app.post('/api/policy', async request => {
    const { stack, ...edit } = PolicyRequest.parse(request.body)
    return { notices: await sources.editPolicy(stack, edit) }
  })
  app.post('/api/answer', async request => {
    const { stack, runId, answers } = AnswerRequest.parse(request.body)
    await sources.answer(stack, runId, answers)
    return { notices: [] }
  })
  app.post('/api/cancel', async request => {
    const { stack, runId } = CancelRequest.parse(request.body)
    await sources.cancel(stack, runId)
    return { notices: [] }
  })
}
