import type { Lab } from '../open-lab.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import { openAcrossStage } from './across-stage.ts'
import { hashAtOnce, openFactorStage, openPeopleStage } from './people-stage.ts'
import { type Part, RaceMatrix } from './race-matrix.ts'
import { openThingStage } from './thing-stage.ts'

/** Owners and makers are the same in every scene. */
export const raceEnv = {
  STORAGE_BUCKETS_PER_OWNER: '100000',
  STORAGE_SHARES_PER_MAKER: '10000',
  STORAGE_S3_KEYS_PER_USER: '10000',
}

/** Every two acts of every stage, or parts of them. */
export async function runRaces(
  lab: Lab,
  report: MatrixReport,
  parts: readonly Part[],
  only: { readonly stage?: string; readonly pairs?: RegExp } = {},
): Promise<void> {
  hashAtOnce(lab)
  const stages = [
    ...(['bare', 'plain', 'versioned', 'locked'] as const).map(
      shape => [shape, async () => await openThingStage(lab, shape)] as const,
    ),
    ['across', async () => await openAcrossStage(lab)] as const,
    ['people', async () => await openPeopleStage(lab)] as const,
    ['factors', async () => await openFactorStage(lab)] as const,
  ]
  using matrix = new RaceMatrix(lab, report)
  for (const [name, open] of stages) {
    if (only.stage !== undefined && only.stage !== name) continue
    const stage = await open()
    for (const part of parts) {
      await matrix.run(stage, part, what => only.pairs?.test(what) ?? true)
    }
  }
}
