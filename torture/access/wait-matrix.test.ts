import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routes } from '@holdfast/contract/routes.ts'
import { checkMatrix } from './check-matrix.ts'
import { runWaitMatrix, waitEnv } from './waits/wait-matrix.ts'
import { sourcesThatWait, waitSources } from './waits/wait-sources.ts'

/** T10 asks more of them, and all with `--long`; here it is another part each day. */
const of = 4
const minimum = { 'late waits refused': 750, 'late writes': 25 }
const at = Math.floor(Date.now() / 86_400_000) % of

test(`who loses a right while a request waits is refused, part ${at} of ${of}`, async () => {
  const run: typeof runWaitMatrix = async (lab, report) => {
    await runWaitMatrix(lab, report, { of, at })
  }
  const counts = await checkMatrix(run, minimum, { env: waitEnv })
  assert.equal(counts.get('wait routes'), Object.keys(routes).length)
})

test('whatever lets requests wait is held, or says why not', () => {
  assert.deepEqual(sourcesThatWait(), Object.keys(waitSources).sort())
})
