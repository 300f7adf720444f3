import * as z from 'zod'

/**
 * Keeps zod from compiling a parser for each schema: that pays off after thousands of values, and a command
 * parses a few. Call it before a schema is created.
 */
export function interpretSchemas(): void {
  z.config({ jitless: true })
}
