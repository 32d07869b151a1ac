import assert from 'node:assert/strict'
import { globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { accessMutants } from './access-mutants.ts'
import { auditMutants } from './audit-mutants.ts'
import { bodyMutants } from './body-mutants.ts'
import { connectionMutants } from './connection-mutants.ts'
import { identityMutants } from './identity-mutants.ts'
import { laterMutants } from './later-mutants.ts'
import { durabilityMutants } from './mutants.ts'
import { peopleMutants } from './people-mutants.ts'
import { securityMutants } from './security-mutants.ts'

const root = join(import.meta.dirname, '..', '..')

function sourcesOf(path: string): string[] {
  const full = join(root, path)
  if (statSync(full).isFile()) return [full]
  const files = globSync('**/*.ts', { cwd: full, exclude: ['**/*.test.ts', '**/node_modules/**'] })
  return files.map(file => join(full, file))
}

test('every mutant still fits exactly one place of the sources', () => {
  for (const { name, edits } of [
    ...durabilityMutants,
    ...laterMutants,
    ...bodyMutants,
    ...securityMutants,
    ...accessMutants,
    ...auditMutants,
    ...connectionMutants,
    ...identityMutants,
    ...peopleMutants,
  ]) {
    for (const { in: path, find } of edits) {
      const times = sourcesOf(path).map(file => {
        return readFileSync(file, 'utf8').match(new RegExp(find, 'g'))?.length ?? 0
      })
      const total = times.reduce((sum, one) => sum + one, 0)
      assert.equal(total, 1, `${name}: ${find} in ${path}`)
    }
  }
})
