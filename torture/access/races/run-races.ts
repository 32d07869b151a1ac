import type { Lab } from '../open-lab.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import { hashAtOnce, openFactorStage, openPeopleStage } from './people-stage.ts'
import { type Part, RaceMatrix } from './race-matrix.ts'
import { openThingStage } from './thing-stage.ts'

/** Owners and makers are the same in every scene. */
export const raceEnv = {
  STORAGE_BUCKETS_PER_OWNER: '100000',
  STORAGE_SHARES_PER_MAKER: '10000',
  STORAGE_S3_KEYS_PER_USER: '10000',
}

/** Every two acts of every stage, or a part of them. */
export async function runRaces(
  lab: Lab,
  report: MatrixReport,
  part: Part = { of: 1, at: 0 },
  only: { readonly stage?: string; readonly pairs?: RegExp } = {},
): Promise<void> {
  hashAtOnce(lab)
  const stages = [
    ...(['bare', 'plain', 'versioned', 'locked'] as const).map(
      shape => [shape, async () => await openThingStage(lab, shape)] as const,
    ),
    ['people', async () => await openPeopleStage(lab)] as const,
    ['factors', async () => await openFactorStage(lab)] as const,
  ]
  using matrix = new RaceMatrix(lab, report)
  for (const [name, open] of stages) {
    if (only.stage !== undefined && only.stage !== name) continue
    await matrix.run(await open(), part, what => only.pairs?.test(what) ?? true)
  }
}
