import { join } from 'node:path'
import { openLab } from '../../access/open-lab.ts'
import type { Program } from '../../runner/program.ts'
import { initialPassword, spill } from '../../secrets/spill.ts'

const minimum = { answers: 70, 'log lines': 70, files: 5, outputs: 11, settings: 3 }

export const program: Program = {
  id: 'T13',
  name: 'secrets',
  summary: 'every kind of secret is used and misused, and then looked for in all that came of it',
  secondsMax: { short: 120, long: 120 },
  minimum: { short: minimum, long: minimum },
  async run(run) {
    const env = {
      STORAGE_LOG_LEVEL: 'trace',
      STORAGE_DEBUG: 'on',
      STORAGE_AUDIT_DATA_CHANGES: 'on',
      STORAGE_INITIAL_ADMIN_USERNAME: 'first',
      STORAGE_INITIAL_ADMIN_PASSWORD: initialPassword,
    }
    await using lab = await openLab(join(run.scratch, 'data'), { env })
    await spill(run, lab)
  },
}
