import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { DiskTurns } from './disk-turns.ts'
import { SINK_BYTES } from './large-sink.ts'
import { Slabs } from './slabs.ts'
import { WrittenFile } from './written-file.ts'

const dir = fs.mkdtempSync(join(tmpdir(), 'holdfast-written-'))
const path = join(dir, 'x.part')
const slabs = new Slabs()
const { fdatasync, writev } = fs
const TAIL = 5000
const body = randomBytes(3 * SINK_BYTES + TAIL)
const pieces = [0, 1, 2, 3].map(n => {
  const bytes = body.subarray(n * SINK_BYTES, (n + 1) * SINK_BYTES)
  slabs.fill(n, [bytes])
  return {
    slab: new Uint8Array(slabs.memory, n * SINK_BYTES, SINK_BYTES),
    size: bytes.length,
  }
})

afterEach(() => {
  mock.restoreAll()
  fs.rmSync(path, { force: true })
  assert.deepEqual(openFiles(), [], 'the file is closed')
})
after(() => fs.rmSync(dir, { recursive: true }))

function openFiles(): string[] {
  return fs.readdirSync('/proc/self/fd').filter(fd => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(path)
    } catch {
      return false
    }
  })
}

type Written = (error: NodeJS.ErrnoException | null, written: number) => void
type Writev = (fd: number, list: Uint8Array[], at: number, done: Written) => void

/** In place of the call of the system, which tests cannot make fail. */
function onWritev(
  instead: (call: number, honest: () => void, ...args: Parameters<Writev>) => void,
) {
  let calls = 0
  const call: Writev = (...args) => {
    calls += 1
    instead(calls, () => writev(...args), ...args)
  }
  mock.method(fs, 'writev', call)
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code })
}

function begin(): WrittenFile {
  return new WrittenFile(new DiskTurns(3), { path, blockBytes: 65_536, digests: {} })
}

/** All of it at once, as a quick sender would. */
async function writeAll(file: WrittenFile) {
  const [one, two, three, last] = pieces
  assert.ok(one && two && three && last)
  const [first, second, end] = await Promise.allSettled([
    file.write([one.slab, two.slab], 2 * SINK_BYTES),
    file.write([three.slab], SINK_BYTES),
    file.finish([last.slab], last.size),
  ])
  await file.close()
  return { first, second, end }
}

function requireWhole({ end }: Awaited<ReturnType<typeof writeAll>>): void {
  assert.equal(end.status, 'fulfilled')
  assert.equal(end.value.sha256, hash('sha256', body))
  assert.ok(fs.readFileSync(path).equals(body))
}

test('what short writes leave over is written', async () => {
  onWritev((_call, _honest, fd, list, at, done) => {
    const [first] = list
    assert.ok(first)
    writev(fd, [first.subarray(0, 4096)], at, done)
  })
  requireWhole(await writeAll(begin()))
})

test('a short write to no border of a block is gone on with through the page cache', async () => {
  let isShort = false
  onWritev((_call, honest, ...[, list, at, done]) => {
    const [first] = list
    assert.ok(first)
    if (at % 4096 !== 0) done(failure('EINVAL'), 0)
    else if (isShort || at === 0) honest()
    else {
      isShort = true
      const plain = fs.openSync(path, 'r+')
      const written = fs.writeSync(plain, first, 0, 1000, at)
      fs.closeSync(plain)
      done(null, written)
    }
  })
  requireWhole(await writeAll(begin()))
})

test('a disk that takes no direct write at all, or none any more, gets plain ones', async () => {
  for (const refused of [1, 2, 3]) {
    onWritev((call, honest, ...[, , , done]) => {
      if (call === refused) done(failure('EINVAL'), 0)
      else honest()
    })
    requireWhole(await writeAll(begin()))
    fs.rmSync(path)
    mock.restoreAll()
  }
})

test('a write that failed once fails the body, even if the disk works again', async () => {
  for (const failing of [1, 2, 3]) {
    for (const code of ['EIO', 'ENOSPC']) {
      onWritev((call, honest, ...[, , , done]) => {
        if (call === failing) done(failure(code), 0)
        else honest()
      })
      const synced = mock.method(fs, 'fdatasync')
      const { first, second, end } = await writeAll(begin())
      const told = [first, second, end].map(({ status }) => status)
      const wanted = [1, 2, 3].map(n => (n < failing ? 'fulfilled' : 'rejected'))
      assert.deepEqual(told, wanted, `${code} at write ${failing}`)
      assert.equal(end.status === 'rejected' && end.reason.code, code)
      assert.equal(synced.mock.callCount(), 0)
      fs.rmSync(path)
      mock.restoreAll()
    }
  }
})

test('a sync that fails, or a length that cannot be set, fails the body', async () => {
  mock.method(fs, 'fdatasync', (_fd: number, done: fs.NoParamCallback) => done(failure('EIO')))
  const { end } = await writeAll(begin())
  assert.equal(end.status === 'rejected' && end.reason.code, 'EIO')
  mock.restoreAll()
  fs.rmSync(path)
  mock.method(fs, 'ftruncateSync', () => {
    throw failure('EIO')
  })
  const uncut = await writeAll(begin())
  assert.equal(uncut.end.status === 'rejected' && uncut.end.reason.code, 'EIO')
})

test('the sync comes after all writes, and the answer after the sync', async () => {
  const events: string[] = []
  mock.method(fs, 'fdatasync', (fd: number, done: fs.NoParamCallback) => {
    events.push('syncs')
    fdatasync(fd, error => {
      events.push('synced')
      done(error)
    })
  })
  onWritev((call, _honest, fd, list, at, done) => {
    events.push(`writes ${call}`)
    writev(fd, list, at, (error, written) => {
      events.push(`wrote ${call}`)
      done(error, written)
    })
  })
  const all = await writeAll(begin())
  events.push('answered')
  requireWhole(all)
  const writes = [1, 2, 3].flatMap(n => [`writes ${n}`, `wrote ${n}`])
  assert.deepEqual(events, [...writes, 'syncs', 'synced', 'answered'])
})

test('memory and file are let go only when the write of them is over', async () => {
  const held = Promise.withResolvers<void>()
  onWritev((_call, honest) => void held.promise.then(honest))
  const file = begin()
  const [one] = pieces
  assert.ok(one)
  const over: string[] = []
  const written = file.write([one.slab], SINK_BYTES).then(() => over.push('written'))
  const closed = file.close().then(() => over.push('closed'))
  for (let n = 0; n < 5; n += 1) await turn()
  assert.deepEqual(over, [])
  assert.equal(openFiles().length, 1)
  held.resolve()
  await Promise.all([written, closed])
  assert.deepEqual(over, ['written', 'closed'])
})

test('a body that is given up ends although its file does not close well', async () => {
  const file = begin()
  const [one] = pieces
  assert.ok(one)
  await file.write([one.slab], SINK_BYTES)
  const { closeSync } = fs
  const closed = mock.method(fs, 'closeSync', (fd: number) => {
    closeSync(fd)
    throw failure('EIO')
  })
  await file.close()
  assert.equal(closed.mock.callCount(), 1)
})
