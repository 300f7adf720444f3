import t from 'tap'
import { createLaterWork } from '../../../../src/runner/turn/output.ts'

const tasks = (tasks: unknown) => ({ type: 'system', subtype: 'background_tasks_changed', tasks })

t.test('a background task counts until the list is empty', async t => {
  const later = createLaterWork()
  t.equal(later.isThere(), false)
  later.see(tasks([{ task_id: 'a' }]))
  t.equal(later.isThere(), true)
  later.see(tasks('x'))
  t.equal(later.isThere(), true, 'an unknown form counts too')
  later.see(tasks([]))
  t.equal(later.isThere(), false)
})

t.test('a tool that acts later counts for good', async t => {
  for (const name of ['CronCreate', 'ScheduleWakeup', 'Monitor', 'Workflow']) {
    const later = createLaterWork()
    later.see({ type: 'assistant', message: { content: [{ type: 'tool_use', name: 'Bash' }] } })
    t.equal(later.isThere(), false)
    later.see({ type: 'assistant', message: { content: [null, { type: 'tool_use', name }] } })
    later.see(tasks([]))
    t.equal(later.isThere(), true, name)
  }
})
