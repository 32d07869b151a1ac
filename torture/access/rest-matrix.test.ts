import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routes } from '@holdfast/contract/routes.ts'
import { checkMatrix } from './check-matrix.ts'
import { introduce } from './people.ts'
import { runMatrix } from './rest/matrix.ts'

test('every route lets in whom it should, and tells the others nothing', async () => {
  const counts = await checkMatrix(
    async (lab, report) => await runMatrix(lab, await introduce(lab), report),
    {
      'let in': 700,
      refused: 800,
      compared: 200,
      'dead refused': 900,
      'forged refused': 50,
      'direct answers': 60,
      audited: 1700,
    },
  )
  assert.equal(counts.get('operations'), Object.keys(routes).length)
})
