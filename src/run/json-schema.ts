import { Ajv, type ValidateFunction } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { messageOf } from '../base/errors.ts'
import { RunRefusal } from './failure.ts'

/** Returns the problem with a value, or null. */
export type Validate = (value: unknown) => string | null | Promise<string | null>

/** Throws a `RunRefusal` for an invalid schema. */
export type CompileSchema = (schema: Record<string, unknown>) => Promise<Validate>

/**
 * Compiles a JSON Schema of draft 7, 2019-09 or 2020-12, according to its `$schema`; draft 7 by default.
 * `format` is an annotation and is not checked.
 */
export function createValidator(
  schema: Record<string, unknown>,
): (value: unknown) => string | null {
  const validate = compile(schema)
  return value => {
    if (validate(value)) return null
    const [first] = validate.errors ?? []
    const where = first?.instancePath || 'it'
    const unexpected = first?.params.additionalProperty
    return `${where} ${first?.message ?? 'is not valid'}${unexpected ? `: ${unexpected}` : ''}`
  }
}

function compile(schema: Record<string, unknown>): ValidateFunction {
  const draft = String(schema.$schema ?? '')
  const Draft = draft.includes('2020-12') ? Ajv2020 : draft.includes('2019-09') ? Ajv2019 : Ajv
  try {
    const ajv = new Draft({ strict: false, validateFormats: false, logger: false })
    const validate = ajv.compile(schema)
    if ('$async' in schema) throw new Error('$async is not supported')
    return validate
  } catch (cause) {
    throw new RunRefusal('schema', `the JSON schema is not valid: ${messageOf(cause)}`, { cause })
  }
}
