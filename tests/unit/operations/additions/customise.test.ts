import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { imageAdditions } from '../../../../src/config/image-additions.ts'
import { refuseAdditionsOfAgent } from '../../../../src/operations/additions/customise.ts'

t.test('additions that are built as root must not be writable by the agent', async t => {
  const folder = t.testdir({
    mine: { 'init.d': { 'a.sh': '' } },
    work: { docker: { Dockerfile: '' }, none: {} },
    home: { Dockerfile: '', project: {} },
  })
  symlinkSync('work/docker', join(folder, 'link'))
  const refuse =
    (settings: { CUSTOM_DIR?: string; DOCKERFILE?: string }, workspace: string) => () =>
      refuseAdditionsOfAgent(
        imageAdditions({ CUSTOM_DIR: '/nonexistent', ...settings }),
        join(folder, workspace),
      )
  const message = /is built into the image, but the agent can change it through/
  t.throws(refuse({ DOCKERFILE: join(folder, 'work/docker/Dockerfile') }, 'work'), { message })
  t.throws(refuse({ DOCKERFILE: join(folder, 'link/Dockerfile') }, 'work'), { message })
  t.throws(refuse({ DOCKERFILE: join(folder, 'home/Dockerfile') }, 'home/project'), { message })
  t.throws(refuse({ CUSTOM_DIR: join(folder, 'mine') }, 'mine/init.d'), { message })
  t.throws(refuse({ CUSTOM_DIR: join(folder, 'mine') }, 'mine'), { message })
  t.doesNotThrow(refuse({ CUSTOM_DIR: join(folder, 'mine') }, 'work'))
  t.doesNotThrow(refuse({ CUSTOM_DIR: join(folder, 'work/none') }, 'work'), 'nothing is added')
})
