import { join } from 'node:path'
import { openLab } from '../../access/open-lab.ts'
import { attackTokens } from '../../login/attack-tokens.ts'
import { bruteForce, lockSeconds } from '../../login/brute-force.ts'
import { compareTimes } from '../../login/login-times.ts'
import { subRights } from '../../login/sub-rights.ts'
import type { Program } from '../../runner/program.ts'

export const program: Program = {
  id: 'T12',
  name: 'login',
  summary: 'forged tokens, guesses in parallel, and rights that nobody can give but who has them',
  secondsMax: { short: 240, long: 3600 },
  minimum: {
    short: { 'forged tokens': 200, guesses: 130, given: 40, withheld: 200, 'timed pairs': 12 },
    long: { 'forged tokens': 200, guesses: 130, given: 2000, withheld: 8000, 'timed pairs': 500 },
  },
  async run(run) {
    await using lab = await openLab(join(run.scratch, 'data'), {
      env: { STORAGE_LOCKOUT_DURATION: String(lockSeconds) },
      // Guesses have to overlap, and their times are compared.
      passwordCost: undefined,
    })
    await attackTokens(run, lab)
    await subRights(run, lab)
    await compareTimes(run, lab)
    await bruteForce(run, lab)
  },
}
