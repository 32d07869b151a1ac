import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Element } from '@holdfast/core/ports/element.ts'
import { bytesOf, openTestStore, put, type TestStore } from '../test-store.test.ts'
import { verifyStore } from './verify.ts'

const large = 'large '.repeat(100_000)

async function fileOf({ engine, dir }: TestStore, sha256: string): Promise<string> {
  const blob = await engine.catalog.view.blobs.get(sha256)
  assert.ok(blob)
  return `${dir}/data/blobs/${sha256.slice(0, 2)}/${sha256}`
}

function flipBit(path: string, at: number): void {
  const byte = (readFileSync(path)[at] ?? 0) ^ 1
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.from([byte]), 0, 1, at)
  closeSync(file)
}

/** Reads other bytes than were written and does not notice. */
function lying(element: Element): Element {
  return {
    id: element.id,
    traits: element.traits,
    write: (source, options) => element.write(source, options),
    read: async () => ({ size: 5, bytes: Buffer.from('false') }),
    stat: location => element.stat(location),
    remove: location => element.remove(location),
    list: () => element.list(),
    readNote: (name, options) => element.readNote(name, options),
    writeNote: (name, text, options) => element.writeNote(name, text, options),
    probe: () => element.probe(),
    [Symbol.asyncDispose]: () => element[Symbol.asyncDispose](),
  }
}

describe('verification', () => {
  it('reads every blob and finds a sound store sound', async () => {
    await using opened = await openTestStore()
    const bodies = ['', 'small', large, 'small']
    for (const [index, body] of bodies.entries()) await put(opened, `k${index}`, body)
    const seen = new Set<number>()
    const report = await verifyStore(opened.engine, {
      onProgress: progress => seen.add(progress.blobs),
    })
    assert.deepEqual(report, {
      blobs: 3,
      bytes: 5 + large.length,
      missing: [],
      damaged: [],
      healed: [],
      orphaned: [],
      truncated: false,
    })
    assert.deepEqual([...seen], [0, 1, 2, 3])
  })

  it('walks more blobs than one page', async () => {
    await using opened = await openTestStore()
    await Promise.all(Array.from({ length: 1100 }, (_, i) => put(opened, `k${i}`, `${i}`)))
    assert.equal((await verifyStore(opened.engine)).blobs, 1100)
  })

  it('finds one flipped bit, large or packed', async () => {
    await using opened = await openTestStore()
    const one = await put(opened, 'large', large)
    const two = await put(opened, 'small', 'needle in a pack')
    flipBit(await fileOf(opened, one.asset.sha256), 300_000)
    const pack = `${opened.dir}/data/packs/0000000001.tar`
    flipBit(pack, readFileSync(pack).indexOf('needle in a pack') + 3)
    const report = await verifyStore(opened.engine)
    const damaged = report.damaged.map(finding => finding.sha256).sort()
    assert.deepEqual(damaged, [one.asset.sha256, two.asset.sha256].sort())
    assert.deepEqual(report.missing, [])
  })

  it('believes its own hash, not the element', async () => {
    await using opened = await openTestStore()
    const { asset } = await put(opened, 'small', 'truth')
    const engine = { ...opened.engine, element: lying(opened.engine.element) }
    const report = await verifyStore(engine)
    assert.deepEqual(
      report.damaged.map(finding => finding.sha256),
      [asset.sha256],
    )
  })

  it('finds what is missing', async () => {
    await using opened = await openTestStore()
    const { asset } = await put(opened, 'large', large)
    rmSync(await fileOf(opened, asset.sha256))
    const report = await verifyStore(opened.engine)
    assert.deepEqual(
      report.missing.map(finding => finding.sha256),
      [asset.sha256],
    )
    assert.deepEqual(report.damaged, [])
  })

  it('finds bytes that belong to nothing', async () => {
    await using opened = await openTestStore({ memory: true })
    await put(opened, 'k', 'known')
    const orphan = await opened.engine.element.write(bytesOf('orphan'), {})
    const report = await verifyStore(opened.engine)
    assert.deepEqual(
      report.orphaned.map(finding => finding.location),
      [orphan.location],
    )
  })

  it('stops when it is told to', async () => {
    await using opened = await openTestStore()
    for (let i = 0; i < 3; i += 1) await put(opened, `k${i}`, `${i}`)
    const stop = new AbortController()
    const onProgress = () => stop.abort(new Error('enough'))
    await assert.rejects(verifyStore(opened.engine, { onProgress, signal: stop.signal }), /enough/)
  })
})
