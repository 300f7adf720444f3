import type { SourceControl } from './source-controls.ts'

/** Controls of chats and of the schedules that they add. */
export const chatSourceControls: readonly SourceControl[] = [
  {
    control: 'a chat changes the jobs that it has added, and no job of cron.yml',
    file: 'src/schedules/chat-jobs.ts',
    remove: [
      '      .filter(({ added }) => added)\n      .map(job => job.name)',
      '.map(job => job.name)',
    ],
    test: 'tests/unit/schedules/chat-jobs.test.ts',
  },
  {
    control: 'a chat lists its own jobs alone',
    file: 'src/schedules/chat-jobs.ts',
    remove: ['control.list(String(chat))', 'control.list()'],
    test: 'tests/unit/schedules/chat-jobs.test.ts',
  },
  {
    control: 'a chat has so many jobs',
    file: 'src/schedules/chat-jobs.ts',
    remove: ['length >= mostChatJobs', 'length < 0'],
    test: 'tests/unit/schedules/chat-jobs.test.ts',
  },
  {
    control: 'a job of a chat fires at most once a minute',
    file: 'src/schedules/every.ts',
    remove: ['if (/^\\*(?:\\/\\d+)?(?:\\s|$)/.test(instruction)) {', 'if (instruction === null) {'],
    test: 'tests/unit/schedules/every.test.ts',
  },
  {
    control: 'the jobs of a chat end when the bot no longer admits it',
    file: 'src/schedules/job-source.ts',
    remove: ['return refusalOf(job, state.users[job.name] ?? null)', 'return null'],
    test: 'tests/unit/schedules/chat-jobs.test.ts',
  },
  {
    control: 'a job of a chat says who asked for it, and ends with that user',
    file: 'src/schedules/control.ts',
    remove: ['current.users[name] = by.user', ''],
    test: 'tests/unit/schedules/chat-jobs.test.ts',
  },
  {
    control: 'a job of a chat ends when its chat has another token, tenant or workspace',
    file: 'src/telegram/open-telegram.ts',
    remove: [' ?? places.refusalOf(moved.homeOf(chat), place)', ''],
    test: 'tests/integration/telegram/schedules.test.ts',
  },
  {
    control: 'a held job fires neither then nor for that time',
    file: 'src/schedules/scheduler.ts',
    remove: ['silent.has(job.name) || ', ''],
    test: 'tests/unit/schedules/scheduler.test.ts',
  },
  {
    control: 'the host starts no held job',
    file: 'src/schedules/control.ts',
    remove: ['if (reason !== undefined) {', 'if (reason === name) {'],
    test: 'tests/unit/schedules/chat-jobs.test.ts',
  },
  {
    control: 'the host removes no job of cron.yml',
    file: 'src/schedules/control.ts',
    remove: ['!source.isAdded(name) ||', ''],
    test: 'tests/unit/schedules/chat-jobs.test.ts',
  },
  {
    control: 'a chat that telegram.yml lets go during a restart has no run',
    file: 'src/telegram/jobs/run-jobs.ts',
    remove: ['if (isShutOut(job, job.user)) return jobs.remove(job)', ''],
    test: 'tests/integration/telegram/failures.test.ts',
  },
  {
    control: 'a press takes the buttons of a message away that has them',
    file: 'src/telegram/updates/handle-press.ts',
    remove: ['if (isShown) void closeProgress', 'void closeProgress'],
    test: 'tests/integration/telegram/apart.test.ts',
  },
  {
    control: 'the model gets refusals of a file, and no error that may have the token',
    file: 'src/telegram/run-files.ts',
    remove: [
      'error instanceof HttpError ? error.message :',
      'error instanceof Error ? error.message :',
    ],
    test: 'tests/unit/telegram/run-files.test.ts',
  },
  {
    control: 'a run sends so many files',
    file: 'src/telegram/run-files.ts',
    remove: ['count >= mostSentFiles', 'count < 0'],
    test: 'tests/unit/telegram/run-files.test.ts',
  },
  {
    control: 'the server sees no other files beside CRON_FILE',
    file: 'src/operations/serve/schedules-folder.ts',
    remove: ["await refuseOthers('CRON_FILE', folder, name)", ''],
    test: 'tests/unit/operations/serve/schedules-folder.test.ts',
  },
  {
    control: 'the bot reads the chats that are listed alone',
    file: 'src/config/telegram-file.ts',
    remove: ['if (!file.allowed_chats.includes(chat)) return []', ''],
    test: 'tests/unit/config/telegram-file.test.ts',
  },
  {
    control: 'a group without a list of users admits no one',
    file: 'src/config/telegram-file.ts',
    remove: ['(chat > 0 ? [chat] : [])', '[chat]'],
    test: 'tests/unit/config/telegram-file.test.ts',
  },
  {
    control: 'the bot reads no forwarded message, and none in the name of a chat',
    file: 'src/telegram/chats/admission.ts',
    remove: [
      'if (sender_chat || forward_origin || is_automatic_forward || via_bot) return null',
      '',
    ],
    test: 'tests/integration/telegram/commands.test.ts',
  },
  {
    control: 'a stranger presses no button of a group',
    file: 'src/telegram/updates/handle-press.ts',
    remove: ['!admission.admits(message.chat.id, from.id)', 'false'],
    test: 'tests/integration/telegram/questions.test.ts',
  },
  {
    control: 'only an administrator of the chat opens a name',
    file: 'src/telegram/updates/handle-press.ts',
    remove: ['!admission.isAdmin(place.chat, from.id)', 'false'],
    test: 'tests/integration/telegram/questions.test.ts',
  },
  {
    control: 'an update is stored before it is acknowledged',
    file: 'src/telegram/updates/inbox.ts',
    remove: ['records.put(kind, keyOf(id), update)', ''],
    test: 'tests/unit/telegram/updates/inbox.test.ts',
  },
  {
    control: 'the path of a download stays below that of the bot',
    file: 'src/telegram/bot-api/bot-api.ts',
    remove: [
      "if (!/^[\\w.-]+(?:\\/[\\w.-]+){0,8}$/.test(path) || path.includes('..')) {",
      'if (false) {',
    ],
    test: 'tests/integration/telegram/failures.test.ts',
  },
  {
    control: 'the server alone is allowed to reach the Bot API',
    file: 'src/operations/serve/telegram-parts.ts',
    remove: ['await requireListed(root)', ''],
    test: 'tests/unit/operations/serve/telegram-parts.test.ts',
  },
  {
    control: 'several people in chats do not share a subscription',
    file: 'src/operations/serve/stored-tokens.ts',
    remove: ['(tokens.length < 2 && people < 2)', '(tokens.length < 2)'],
    test: 'tests/unit/operations/serve/stored-tokens.test.ts',
  },
  {
    control: 'a download that Telegram refuses does not end the server',
    file: 'src/telegram/bot-api/bot-api.ts',
    remove: ['await answer.body.dump().catch(() => {})', 'answer.body.destroy()'],
    test: 'tests/integration/telegram/secrecy.test.ts',
  },
  {
    control: 'a message that comes again adds no second schedule',
    file: 'src/schedules/chat-jobs.ts',
    remove: ['if (known) return addedText(place, known)', ''],
    test: 'tests/unit/schedules/chat-jobs.test.ts',
  },
  {
    control: 'a file that comes again is saved once',
    file: 'src/telegram/save-received.ts',
    remove: ['if (await hasContent(workspace, tried, content())) return tried', ''],
    test: 'tests/unit/telegram/received-files.test.ts',
  },
  {
    control: 'the messages of all chats keep the limit of Telegram',
    file: 'src/telegram/bot-api/pace.ts',
    remove: ['all.push(at)', ''],
    test: 'tests/unit/telegram/bot-api/sender.test.ts',
  },
  {
    control: 'a running bot admits no more people than its credential allows',
    file: 'src/telegram/chats/chat-file.ts',
    remove: ['if (people === null || count <= people) return parsed', 'return parsed'],
    test: 'tests/unit/telegram/chats/chat-file.test.ts',
  },
  {
    control: 'the server has no HTTP client that goes around its proxy',
    file: 'src/images/program-bundle.ts',
    remove: ["alias: { 'node-fetch': 'undici' },", ''],
    test: 'tests/integration/images/program-bundle.test.ts',
  },
  {
    control: 'a Stop button ends runs of its own chat alone',
    file: 'src/telegram/jobs/run-jobs.ts',
    remove: ['if (found?.job.chat !== chat) return false', 'if (!found) return false'],
    test: 'tests/integration/telegram/apart.test.ts',
  },
  {
    control: '/status shows the runs of its own chat alone',
    file: 'src/telegram/jobs/run-jobs.ts',
    remove: ['.filter(job => job.chat === chat)', ''],
    test: 'tests/integration/telegram/apart.test.ts',
  },
]
