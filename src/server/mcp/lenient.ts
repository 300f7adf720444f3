import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server'
import type * as z from 'zod'
import { isRecord } from '../../base/json.ts'

const words = new Map<unknown, boolean>([
  ['true', true],
  ['false', false],
])

/**
 * Advertises a schema as it is, and accepts what models send for it: `null` for absent, a boolean or a number
 * as text, and an object where its JSON text is expected.
 */
export function lenient<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
): StandardSchemaWithJSON<unknown, z.output<z.ZodObject<Shape>>> {
  const standard = schema['~standard']
  return {
    '~standard': { ...standard, validate: value => standard.validate(relaxed(value, schema)) },
  }
}

function relaxed(value: unknown, { shape }: z.ZodObject): unknown {
  if (!isRecord(value)) return value
  const entries = Object.entries(value).filter(([, given]) => given !== null)
  return Object.fromEntries(entries.map(([name, given]) => [name, member(given, shape[name])]))
}

function member(given: unknown, schema: z.core.$ZodType | undefined): unknown {
  switch (schema && typeOf(schema)) {
    case 'boolean':
      return words.get(given) ?? given
    case 'number':
      return typeof given === 'string' && /^\d{1,9}$/.test(given) ? Number(given) : given
    case 'string':
      return isRecord(given) ? JSON.stringify(given) : given
    default:
      return given
  }
}

/** Returns the type below `optional` and `default`. */
function typeOf({ _zod: { def } }: z.core.$ZodType): string {
  return 'innerType' in def ? typeOf(def.innerType as z.core.$ZodType) : def.type
}
