/** A refusal in the form of the Bot API: the status of the answer, and its body. */
export class ApiError extends Error {
  readonly code: number
  readonly parameters: { retry_after?: number; migrate_to_chat_id?: number } | undefined

  constructor(code: number, description: string, parameters?: ApiError['parameters']) {
    super(description)
    this.code = code
    this.parameters = parameters
  }
}

export const badRequest = (description: string) => new ApiError(400, `Bad Request: ${description}`)

/** The answer to a bot that sends too much. */
export const tooManyRequests = (seconds: number) =>
  new ApiError(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds })
