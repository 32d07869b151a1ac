import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routes } from '@holdfast/contract/routes.ts'
import { checkMatrix } from './check-matrix.ts'
import { runPolicyMatrix } from './policy/policy-matrix.ts'

test('every route does what policies allow and deny in their words, and nothing else', async () => {
  const counts = await checkMatrix(runPolicyMatrix, {
    'policy let in': 600,
    'policy refused': 1000,
    'policy actions': 60,
  })
  assert.equal(counts.get('policy operations'), Object.keys(routes).length)
})
