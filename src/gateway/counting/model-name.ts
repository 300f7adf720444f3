const modelMember = /"model"\s*:\s*"([\w.:@/[\]-]{1,80})"/

/**
 * The model a request asks for, if the first piece of its body names one: for the log only. Found
 * by pattern, because the body is passed on unread; nothing but a plain name can come out of it.
 */
export function modelName(chunk: Buffer): string | undefined {
  return modelMember.exec(chunk.toString('latin1', 0, 2048))?.[1]
}
