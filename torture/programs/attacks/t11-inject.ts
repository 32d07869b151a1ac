import { join } from 'node:path'
import { openLab } from '../../access/open-lab.ts'
import { injectHeaders, injectTypes } from '../../inject/answers.ts'
import { injectKeys } from '../../inject/keys.ts'
import { injectRequests, injectXml } from '../../inject/requests.ts'
import type { Program } from '../../runner/program.ts'

const minimum = {
  keys: 400,
  'JSON bodies': 600,
  queries: 1000,
  'XML bodies': 300,
  'header texts': 150,
  'script types': 100,
}

export const program: Program = {
  id: 'T11',
  name: 'inject',
  summary:
    'paths, line breaks, XML, JSON and scripts through all doors: kept as they are or refused',
  secondsMax: { short: 240, long: 600 },
  minimum: { short: minimum, long: minimum },
  async run(run) {
    await using lab = await openLab(join(run.scratch, 'data'))
    await injectKeys(run, lab)
    await injectRequests(run, lab)
    await injectXml(run, lab)
    await injectHeaders(run, lab)
    await injectTypes(run, lab)
  },
}
