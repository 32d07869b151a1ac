import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FairLine } from './fair-line.ts'

function fill(line: FairLine<string>, names: readonly string[]): string[] {
  return names.flatMap(name => {
    const [network = '', caller = '', what = ''] = name.split('/')
    return line.add([network, caller, what], name) ?? []
  })
}

function drain(line: FairLine<string>): string[] {
  const all: string[] = []
  for (let item = line.next(); item !== undefined; item = line.next()) all.push(item)
  return all
}

test('networks take turns, in each its callers, and for each what they ask about', () => {
  const line = new FairLine<string>(20)
  fill(line, ['a/1/x', 'a/1/x', 'a/1/y', 'a/2/x', 'b/1/x', 'c/1/x'])
  assert.deepEqual(drain(line), ['a/1/x', 'b/1/x', 'c/1/x', 'a/2/x', 'a/1/y', 'a/1/x'])
  assert.equal(line.next(), undefined)
})

test('with however many names or addresses, one network fills it for nobody else', () => {
  const line = new FairLine<string>(8)
  const many = Array.from({ length: 8 }, (_, n) => `evil/${n % 4}/${n}`)
  assert.deepEqual(fill(line, [...many, 'evil/0/8']), ['evil/0/8'])
  // Of who has most, the newest goes; the newcomer waits for one of the others.
  assert.deepEqual(fill(line, ['home/1/ann']), ['evil/3/7'])
  assert.deepEqual(fill(line, ['work/1/bob']), ['evil/2/6'])
  assert.deepEqual(drain(line).slice(0, 3), ['evil/0/0', 'home/1/ann', 'work/1/bob'])
})

test('neighbours in the network of somebody who fills it get in, too', () => {
  const line = new FairLine<string>(4)
  fill(line, ['net/evil/1', 'net/evil/2', 'net/evil/3', 'net/evil/4'])
  assert.deepEqual(fill(line, ['net/ann/ann']), ['net/evil/4'])
  assert.deepEqual(fill(line, ['net/evil/ann']), ['net/evil/ann'])
  const shared = new FairLine<string>(4)
  fill(shared, ['net/proxy/x', 'net/proxy/x', 'net/proxy/x', 'net/proxy/x'])
  assert.deepEqual(fill(shared, ['net/proxy/ann']), ['net/proxy/x'])
})

test('nobody gives way to who has as much: places do not wander', () => {
  const line = new FairLine<string>(2)
  fill(line, ['a/1/x', 'b/1/x'])
  assert.deepEqual(fill(line, ['c/1/x', 'a/1/x', 'a/1/y']), ['c/1/x', 'a/1/x', 'a/1/y'])
  assert.deepEqual(drain(line), ['a/1/x', 'b/1/x'])
})

test('whatever comes and goes, as many are in it as were let in', () => {
  const line = new FairLine<string>(16)
  let state = 7
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state % below
  }
  const inside: string[] = []
  for (let round = 0; round < 5000; round += 1) {
    if (random(3) === 0) {
      const next = line.next()
      assert.equal(next === undefined, inside.length === 0)
      if (next !== undefined) inside.splice(inside.indexOf(next), 1)
    } else {
      const item = `${random(3)}/${random(3)}/${random(3)}`
      inside.push(item)
      for (const lost of fill(line, [item])) inside.splice(inside.indexOf(lost), 1)
      assert.ok(inside.length <= 16)
    }
  }
  assert.deepEqual(drain(line).sort(), inside.sort())
})
