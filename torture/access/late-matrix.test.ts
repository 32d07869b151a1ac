import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '@holdfast/contract/route.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { checkMatrix } from './check-matrix.ts'
import { lateEnv, runLateMatrix } from './late/late-matrix.ts'

test('who loses a right while a body comes is refused, by every route and operation', async () => {
  const minimum = { 'late refused': 300, 'late let in': 55, audited: 280 }
  const counts = await checkMatrix(runLateMatrix, minimum, { env: lateEnv })
  const taking = Object.values<Route>(routes).filter(({ body }) => body !== undefined)
  assert.equal(counts.get('late routes'), taking.length)
})
