import { headerValues } from '../http/headers.ts'

/**
 * Beta features that Amazon Bedrock and Google Vertex AI know. They refuse a request that names any
 * other, such as the ones for Anthropic's own logins.
 */
const known =
  /^(claude-code|compact|computer-use|context-1m|context-management|dev-full-thinking|effort|fine-grained-tool-streaming|interleaved-thinking|output-128k|structured-outputs|token-efficient-tools|tool-examples|tool-search-tool)-\d{4}-?\d{2}-?\d{2}$/

/** Returns the beta features that the caller asked for and that a cloud service knows. */
export function cloudBetas(rawHeaders: readonly string[]): string[] {
  const names = headerValues(rawHeaders, 'anthropic-beta').flatMap(value => value.split(','))
  return [...new Set(names.map(name => name.trim()).filter(name => known.test(name)))]
}
