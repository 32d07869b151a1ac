import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeCertificate } from '../../target/certificate.ts'
import { calmFirst, planOf } from './plans.ts'
import { smallServer } from './small-server.ts'
import { storm, unsettled } from './storm.ts'
import { wayOf } from './ways.ts'

test('all ways about TLS come, the same ones for the same seed, and calm ones go it whole', () => {
  const plans = Array.from({ length: 2000 }, (_, number) => planOf(1, number, 0))
  const ways = plans.map(plan => wayOf(1, plan))
  const kinds = ['again', 'bare', 'cut', 'garbage', 'whole']
  assert.deepEqual([...new Set(ways.map(({ kind }) => kind))].sort(), kinds)
  assert.deepEqual(
    ways,
    plans.map(plan => wayOf(1, plan)),
  )
  const calm = ways.filter((_, at) => plans[at]?.ending === 'calm')
  assert.ok(calm.length > calmFirst)
  assert.ok(calm.every(({ kind, passes }) => kind === 'whole' && passes === Infinity))
  const cut = ways.filter(({ kind }) => kind === 'cut')
  assert.ok(cut.some(({ passes }) => passes < 5) && cut.some(({ passes }) => passes > 2000))
})

test('a server of TLS that answers is not complained of, and one that does not is', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-ways-'))
  try {
    const { ca: cert, keyFile } = makeCertificate(dir, 'pair')
    const pair = { cert, key: readFileSync(keyFile) }
    {
      await using target = await smallServer((request, response) => {
        request.resume()
        response.end('fine')
      }, pair)
      const before = await target.counts()
      const options = { seed: 1, first: calmFirst, goesOn: (made: number) => made < 80 }
      const { problems, plans } = await storm(target, options)
      assert.ok(plans.length >= 80)
      assert.deepEqual(problems, [])
      assert.equal(await unsettled(target, before), undefined)
    }
    await using cutting = await smallServer(({ socket }) => socket.destroy(), pair)
    const options = { seed: 1, first: 0, goesOn: (made: number) => made < 4 }
    const { problems } = await storm(cutting, options)
    assert.ok(
      problems.some(text => /^no answer: TLS whole about TLSv1\.\d.*connection \d+: /.test(text)),
    )
  } finally {
    rmSync(dir, { recursive: true })
  }
})
