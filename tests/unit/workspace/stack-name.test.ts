import t from 'tap'
import { isStackName, stackName } from '../../../src/workspace/stack-name.ts'

t.test('stack names are valid for compose whatever the folder is called', async t => {
  for (const path of [
    '/x/My Project',
    '/x/日本',
    '/x/--',
    `/x/${'long'.repeat(40)}`,
    "/x/$(id)'",
  ]) {
    t.match(stackName(path), /^claude-secure-[a-z0-9](-?[a-z0-9])*-[0-9a-f]{8}$/, path)
  }
  t.ok(isStackName(stackName('/x/My Project')))
  t.notOk(isStackName('claude-secure-images'))
  t.not(stackName('/a/project'), stackName('/b/project'))
})
