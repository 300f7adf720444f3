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
    remove: [" && admitsChat(chat ?? '')", ''],
    test: 'tests/unit/schedules/chat-jobs.test.ts',
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
    remove: ['if (settings.CRON_FILE !== undefined) await refuseOthers(folder, name)', ''],
    test: 'tests/unit/operations/serve/schedules-folder.test.ts',
  },
]
