/** The token of the stand-in's bot, shaped like a real one: found nowhere but in a secret file and in Telegram's URLs. */
export const botToken = `7340918265:AAF${'s3cretT'.repeat(4)}bot_`

export const botUser = {
  id: 7_340_918_265,
  is_bot: true,
  first_name: 'Claude',
  username: 'claude_test_bot',
} as const
