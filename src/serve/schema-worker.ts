import { parentPort, workerData } from 'node:worker_threads'
import { RunRefusal } from '../run/failure.ts'
import { createValidator } from '../run/json-schema.ts'
import type { SchemaMessage, SchemaTask, SchemaVerdict } from '../tenants/schema-check.ts'

/** Compiles the schema of a caller, and checks the value if there is one. */
function verdictOf({ schema, given }: SchemaTask): SchemaVerdict {
  try {
    const validate = createValidator(schema)
    return { kind: 'checked', problem: given ? validate(given.value) : null }
  } catch (error) {
    if (error instanceof RunRefusal) return { kind: 'refused', message: error.message }
    throw error
  }
}

const say = (message: SchemaMessage) => parentPort?.postMessage(message)

say({ kind: 'loaded' })
say(verdictOf(workerData))
