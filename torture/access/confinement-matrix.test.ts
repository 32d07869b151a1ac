import { test } from 'node:test'
import { checkMatrix } from './check-matrix.ts'
import { runConfinement } from './confinement/confinement-matrix.ts'
import { runShareBounds } from './confinement/share-bounds.ts'

test('no route lets a confined credential out, or takes for one what is none', async () => {
  await checkMatrix(runConfinement, { refused: 1000, operations: 80 })
})

test('a share link opens nothing but its place, and nothing without its password', async () => {
  await checkMatrix(runShareBounds, { 'share refused': 120 })
})
