/** What goes wrong with the next requests of a method; `*` is any, and `file` the download of a file. */
export type Fault = {
  method: string
  /** Only in this chat. */
  chat?: number
  /** How often; once by default. */
  times?: number
} & (
  | {
      kind: 'error'
      code: number
      description: string
      parameters?: { retry_after?: number; migrate_to_chat_id?: number }
    }
  /** An answer that is not JSON, as of a load balancer. */
  | { kind: 'html'; code: number }
  /** The request is not performed, and never answered. */
  | { kind: 'hang' }
  /** The connection ends before the request is performed. */
  | { kind: 'cut' }
  /** The request is performed, and its answer is lost. */
  | { kind: 'lost' }
)

export function createFaults() {
  let faults: (Fault & { left: number })[] = []
  return {
    add(fault: Fault) {
      faults.push({ ...fault, left: fault.times ?? 1 })
    },
    clear() {
      faults = []
    },
    /** Returns the fault of a request, which is one less afterwards; null without one. */
    next(method: string, chat: number | null): Fault | null {
      const fault = faults.find(
        fault =>
          (fault.method === '*' || fault.method === method) &&
          (fault.chat === undefined || fault.chat === chat),
      )
      if (!fault) return null
      fault.left -= 1
      if (fault.left <= 0) faults = faults.filter(other => other !== fault)
      return fault
    },
  }
}
