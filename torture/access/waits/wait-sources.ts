import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const packages = join(import.meta.dirname, '../../../packages')

/** Whatever lets somebody wait is made of one of these. */
const WAIT =
  /new Promise\b|withResolvers|setImmediate|setTimeout|\.sleep\(|new (CallerLines|Turns|Worker)\(|promisify\(/

const held = 'held'
const ofServer = 'of the server itself: no request waits for it'
const ofBytes = 'bytes on their way: who sent them is asked again when they are in; answers go on'
const ofOutside = 'who comes so is known only behind it'

/** Every source that makes a wait: `held` ones are wrapped in `waits.ts`, others say why not. */
export const waitSources: Readonly<Record<string, string>> = {
  'engine/src/audit/audit-log.ts': 'what was done, or refused, is written down before it is told',
  'engine/src/audit/upkeep/drop-audits.ts': ofServer,
  'engine/src/buckets/change-lines.ts':
    'who was overtaken, or goes on with a part, is asked again: `bucket-races`, `remove-parts`',
  'engine/src/identity/identity-state.ts': held,
  'engine/src/identity/mail/mail-queue.ts': ofServer,
  'engine/src/identity/outside/directory/recheck.ts': ofServer,
  'engine/src/identity/outside/facts-order.ts': ofOutside,
  'engine/src/identity/outside/issuers/issuer-keys.ts': ofOutside,
  'engine/src/identity/passwords/password-threads.ts': held,
  'engine/src/integrity/write-gate.ts': held,
  'engine/src/list-turns.ts': held,
  'engine/src/moments.ts': held,
  'engine/src/multipart/running-digests.ts': held,
  'server/src/composition/audit.ts': ofServer,
  'server/src/composition/collect-sometimes.ts': ofServer,
  'server/src/composition/listen.ts': ofServer,
  'server/src/doors/s3/send.ts': ofBytes,
  'server/src/http/body/fair-request.ts': ofBytes,
  'server/src/http/body/pace-watch.ts': ofBytes,
  'server/src/http/body/request-body.ts': ofBytes,
  'server/src/http/certificate.ts': ofServer,
  'server/src/http/connections/held-hellos.ts': 'nothing was asked for yet',
  'server/src/http/direct/quick/quick-connections.ts': ofBytes,
  'server/src/http/direct/stalled-answers.ts': ofBytes,
  'server/src/http/limits/large-answers.ts': held,
  'server/src/http/limits/turn-budget.ts': held,
  'server/src/http/linger.ts': ofBytes,
  'server/src/http/pour.ts': ofBytes,
  'server/src/http/send-json.ts': 'the answer is made, and pressed for its way',
  'server/src/serve.ts': ofServer,
  'server/src/telemetry/health-probe.ts': ofServer,
}

/** Those that make a wait, as they are. */
export function sourcesThatWait(): readonly string[] {
  return globSync('{engine,server}/src/**/*.ts', { cwd: packages })
    .filter(file => !file.endsWith('.test.ts'))
    .filter(file => WAIT.test(readFileSync(join(packages, file), 'utf8')))
    .sort()
}
