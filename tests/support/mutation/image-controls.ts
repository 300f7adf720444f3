import type { Control } from './control.ts'

export type ImageControl = Control & {
  service: 'claude' | 'gateway' | 'proxy'
  /** Lines of a Dockerfile that undo it, as root. */
  lines: readonly string[]
}

const stackConf = '/usr/local/lib/claude-secure/stack-conf'
const grants = '/usr/local/lib/claude-secure/grants'
const settings = '/etc/claude-code/managed-settings.json'

/** What the images do for the lock. */
export const imageControls: readonly ImageControl[] = [
  image('no setuid file', 'claude', 'C1', [
    'RUN cp /bin/true /usr/local/bin/su && chmod 4755 /usr/local/bin/su',
  ]),
  image('no setuid file in the gateway', 'gateway', 'C1', [
    'RUN cp /bin/true /usr/local/bin/su && chmod 4755 /usr/local/bin/su',
  ]),
  image('no setgid file in the proxy', 'proxy', 'C1', [
    'RUN cp /bin/true /usr/local/bin/su && chmod 2755 /usr/local/bin/su',
  ]),
  image('the proxy is an ordinary user', 'proxy', 'C2', [], 'USER 0'),
  image('a target is NAME:443', 'proxy', 'N6', [
    'RUN sed -i /strict-target/d /usr/local/lib/claude-secure/entrypoint',
  ]),
  // Joins the names of the upstream and of repositories' hosts with the agent's list in place of the gateway's.
  image('the model’s upstream is the gateway’s alone', 'proxy', 'N15', [
    `RUN sed -i 's/echo "acl $2 any-of !all"/echo "acl $2 dstdomain -n api.anthropic.com"; echo "acl agent_listed all-of agent $2"/' ${stackConf}`,
  ]),
  image('the private range of the model’s upstream is the gateway’s alone', 'proxy', 'N22', [
    `RUN sed -i "s/upstream_private all-of services/upstream_private all-of/" ${grants}`,
  ]),
  image('the model’s upstream stays in its private range', 'proxy', 'N22', [
    `RUN sed -i 's/closed = closed " upstream_closed"/closed = closed/' ${grants}`,
  ]),
  image('without a parent proxy every address is judged here', 'proxy', 'N21', [
    `RUN sed -i "s/resolved_here any-of all/resolved_here any-of !all/" ${stackConf}`,
  ]),
  image('what ends a run is out of its reach', 'claude', 'R1', [
    'RUN sed -i "s/if (!keep_out_of_reach(@protected))/if (0)/" /usr/local/bin/claude-secure-reaper',
  ]),
  image('managed settings are there', 'claude', 'H4', [`RUN rm ${settings}`]),
  image('managed settings are root’s', 'claude', 'H4', [`RUN chmod 666 ${settings}`]),
  image('managed settings name the gateway', 'claude', 'H4', [
    `RUN sed -i s/gateway:8787/evil.test/ ${settings}`,
  ]),
  image('Claude Code is root’s', 'claude', 'H4', ['RUN chmod 777 /usr/local/bin/claude']),
  image('Node is root’s', 'claude', 'H4', ['RUN chmod 777 /usr/local/bin/node']),
]

function image(
  control: string,
  service: ImageControl['service'],
  probe: string,
  lines: readonly string[],
  user?: string,
): ImageControl {
  return {
    control,
    stated: `${service}/Dockerfile`,
    probe,
    service,
    lines: user ? [...lines, user] : lines,
  }
}
