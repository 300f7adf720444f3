/** Marks the settings whose values must not be shown, logged or passed in an environment. */
export const secretSettings = [
  'ANTHROPIC_API_KEY',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'ANTHROPIC_AUTH_TOKEN',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_BEARER_TOKEN_BEDROCK',
] as const

/** With settings that are not credentials of the model, but may hold a secret: never shown either. */
export const hiddenSettings: readonly string[] = [
  ...secretSettings,
  'PARENT_PROXY',
  'API_TOKEN',
  'TELEGRAM_BOT_TOKEN',
]
