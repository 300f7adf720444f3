import t from 'tap'
import { imageAdditions } from '../../../src/config/image-additions.ts'

t.test(
  'the custom folder has scripts and a Dockerfile; its other parts are not the image’s',
  async t => {
    t.same(imageAdditions({ CUSTOM_DIR: '/mine', PACKAGES: 'hello bc' }), {
      packages: ['bc', 'hello'],
      scripts: '/mine/init.d',
      dockerfile: '/mine/Dockerfile',
      named: false,
      without: [
        '.git',
        'always-skills',
        '.always-skills',
        'bin',
        'init.d',
        'services',
        'skills',
        'ssh',
      ],
    })
  },
)

t.test('a Dockerfile that a setting names has a folder of its own', async t => {
  const { dockerfile, named, without } = imageAdditions({
    CUSTOM_DIR: '/mine',
    DOCKERFILE: '/other/agent.Dockerfile',
  })
  t.same([dockerfile, named, without], ['/other/agent.Dockerfile', true, ['.git']])
  t.match(imageAdditions({ CUSTOM_DIR: '/mine', DOCKERFILE: '/mine/Dockerfile' }).without, [
    '.git',
    'always-skills',
  ])
})
