import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { md5Code } from './md5-code.ts'
import { type LaneStream, Md5Lanes } from './md5-lanes.ts'
import { canRun, openMemory, PAGE_BYTES } from './web-assembly.ts'

const PAGES = 64
const memory = openMemory(PAGES + 1)
const bytes = new Uint8Array(memory.buffer, 0, PAGES * PAGE_BYTES)
const random = new SeededRandom(20)
bytes.set(random.bytes(bytes.length))

/** Time that goes on only when a test says so. */
class HandClock {
  time = 0
  readonly soonest: (() => void)[] = []
  readonly timers: { at: number; run: () => void }[] = []

  now(): number {
    return this.time
  }

  soon(run: () => void): void {
    this.soonest.push(run)
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.time + ms, run }
    this.timers.push(timer)
    return () => {
      const at = this.timers.indexOf(timer)
      if (at >= 0) this.timers.splice(at, 1)
    }
  }

  turn(): void {
    for (const run of this.soonest.splice(0)) run()
  }

  pass(ms: number): void {
    this.time += ms
    const due = this.timers.filter(({ at }) => at <= this.time)
    for (const timer of due) {
      this.timers.splice(this.timers.indexOf(timer), 1)
      timer.run()
    }
  }

  /** Until nothing is to be done any more. */
  rest(): void {
    while (this.soonest.length + this.timers.length > 0) {
      this.turn()
      this.pass(1)
    }
  }
}

function openLanes(waitingBytesMax = bytes.length) {
  const clock = new HandClock()
  const address = PAGES * PAGE_BYTES
  return { clock, lanes: new Md5Lanes({ memory, address, clock, waitingBytesMax }) }
}

const piece = (page: number, length = PAGE_BYTES) =>
  bytes.subarray(page * PAGE_BYTES, page * PAGE_BYTES + length)
const md5Of = (parts: readonly Uint8Array[]) => hash('md5', Buffer.concat(parts))

/** Whether it is over after what was asked of the clock so far. */
async function isOver(work: Promise<unknown>): Promise<boolean> {
  return await Promise.race([work.then(() => true), turn().then(() => false)])
}

test('this machine runs the code, and one that does not is told apart', () => {
  assert.equal(canRun(md5Code), true)
  const unknown = md5Code.slice()
  unknown[4] = 9
  assert.equal(canRun(unknown), false)
})

test('the test suite of RFC 1321, and every length around the ends of blocks', async () => {
  const known = [
    ['', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
    [`${'1234567890'.repeat(8)}`, '57edf4a22be3c955ac49da2e2107b67a'],
  ] as const
  const before = bytes.slice(0, 1024)
  for (const [text, md5] of known) {
    const { clock, lanes } = openLanes()
    bytes.set(Buffer.from(text))
    const found = lanes.finish(lanes.open(), [bytes.subarray(0, text.length)])
    clock.rest()
    assert.equal(await found, md5)
  }
  bytes.set(before)
  const { clock, lanes } = openLanes()
  for (let length = 0; length <= 200; length += 1) {
    const part = piece(length % PAGES, length)
    const found = lanes.finish(lanes.open(), [part])
    clock.rest()
    assert.equal(await found, md5Of([part]), `${length} bytes`)
  }
})

interface Sender {
  readonly stream: LaneStream
  readonly parts: Uint8Array[]
  /** Pieces that are still to come; the last one has an odd end. */
  left: number
}

test('streams of any size, begun, mixed, ended and broken off in any order', async () => {
  for (let round = 0; round < 40; round += 1) {
    const { clock, lanes } = openLanes(1 + random.below(2) * bytes.length)
    const ended: Promise<[found: string, wanted: string]>[] = []
    const dropped: Promise<void>[] = []
    let senders: Sender[] = []
    for (let step = 0; step < 60; step += 1) {
      if (senders.length < 1 + (round % 13)) {
        senders.push({ stream: lanes.open(), parts: [], left: random.below(5) })
      }
      const sender = senders[random.below(senders.length)]
      assert.ok(sender)
      const { stream, parts } = sender
      const some = Array.from({ length: random.below(4) }, () => {
        return piece(random.below(PAGES), 64 * random.below(300))
      })
      if (random.below(12) === 0) {
        dropped.push(lanes.add(stream, some))
        lanes.drop(stream)
        senders = senders.filter(other => other !== sender)
      } else if (sender.left === 0) {
        const all = [...some, piece(random.below(PAGES), random.below(2000))]
        const wanted = md5Of([...parts, ...all])
        ended.push(lanes.finish(stream, all).then(found => [found, wanted]))
        senders = senders.filter(other => other !== sender)
      } else {
        sender.left -= 1
        parts.push(...some)
        lanes.add(stream, some).catch(() => assert.fail('adding never fails'))
      }
      if (random.below(3) === 0) clock.turn()
      if (random.below(3) === 0) clock.pass(random.below(30))
    }
    clock.rest()
    await Promise.all(dropped)
    for (const [found, wanted] of await Promise.all(ended)) assert.equal(found, wanted)
    assert.ok(ended.length > 0)
  }
})

test('parts that end within a block are refused but at the end', () => {
  const { lanes } = openLanes()
  assert.throws(() => lanes.add(lanes.open(), [piece(0, 65)]), /whole blocks/)
})

test('a stream that is alone waits for nobody', async () => {
  const { clock, lanes } = openLanes()
  const stream = lanes.open()
  for (let n = 0; n < 4; n += 1) {
    const added = lanes.add(stream, [piece(n)])
    assert.equal(clock.timers.length, 0)
    clock.turn()
    assert.equal(await isOver(added), true)
  }
})

test('pieces wait for who has just brought some, for a while that has an end', async () => {
  const { clock, lanes } = openLanes()
  const [one, other] = [lanes.open(), lanes.open()]
  const both = [lanes.add(one, [piece(0)]), lanes.add(other, [piece(1)])]
  clock.rest()
  await Promise.all(both)
  const first = lanes.add(one, [piece(2)])
  clock.turn()
  assert.equal(await isOver(first), false)
  const second = lanes.add(other, [piece(3)])
  clock.turn()
  assert.equal(await isOver(Promise.all([first, second])), true)
  const third = lanes.add(one, [piece(4)])
  clock.turn()
  assert.equal(await isOver(third), false)
  clock.pass(2)
  assert.equal(await isOver(third), true)
  // Nobody came, so the next ones do not wait although the other may still be lively.
  const fourth = lanes.add(one, [piece(5)])
  clock.turn()
  assert.equal(await isOver(fourth), true)
})

test('nobody waits for who has ended, was broken off or brought nothing for long', async () => {
  for (const leave of ['finish', 'drop', 'silence'] as const) {
    const { clock, lanes } = openLanes()
    const [one, other] = [lanes.open(), lanes.open()]
    const added = lanes.add(other, [piece(0)])
    clock.rest()
    await added
    if (leave === 'finish') {
      const finished = lanes.finish(other, [])
      clock.rest()
      assert.equal(await finished, md5Of([piece(0)]))
    } else if (leave === 'drop') {
      lanes.drop(other)
    } else {
      clock.pass(25)
    }
    const alone = lanes.add(one, [piece(1)])
    clock.turn()
    assert.equal(await isOver(alone), true, leave)
  }
})

test('nobody waits while so much is waiting that others may be short of memory', async () => {
  const { clock, lanes } = openLanes(3 * PAGE_BYTES)
  const [one, other] = [lanes.open(), lanes.open()]
  const both = [lanes.add(one, [piece(0)]), lanes.add(other, [piece(1)])]
  clock.rest()
  await Promise.all(both)
  const small = lanes.add(one, [piece(2), piece(3)])
  clock.turn()
  assert.equal(await isOver(small), false)
  const more = lanes.add(one, [piece(4)])
  clock.turn()
  assert.equal(await isOver(small), true)
  // There is memory again.
  assert.equal(await isOver(more), false)
  clock.pass(2)
  assert.equal(await isOver(more), true)
})
