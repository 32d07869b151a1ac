import assert from 'node:assert/strict'
import { elementTest, listed } from './element-test.ts'
import type { OpenElement } from './under-test.ts'

export function noteTests(open: OpenElement): void {
  elementTest(open, 'a note that was never written is undefined', async element => {
    assert.equal(await element.readNote('none'), undefined)
  })
  elementTest(open, 'a note is replaced whole and is not a blob', async element => {
    assert.equal(await element.writeNote('a', 'first'), true)
    assert.equal(await element.writeNote('a', ''), true)
    assert.equal(await element.readNote('a'), '')
    const long = 'käse 🗄 \n'.repeat(3000)
    assert.equal(await element.writeNote('a', long), true)
    assert.equal(await element.readNote('a'), long)
    assert.equal(await element.readNote('A'), undefined)
    assert.equal(await element.readNote('a', { bytesMax: 3 }), 'kä')
    assert.equal(await element.readNote('a', { bytesMax: 1e9 }), long)
    assert.equal(await element.readNote('none', { bytesMax: 3 }), undefined)
    assert.deepEqual(await listed(element), [])
  })
  elementTest(open, 'with ifAbsent the first one wins', async element => {
    assert.equal(await element.writeNote('b', 'first', { ifAbsent: true }), true)
    assert.equal(await element.writeNote('b', 'second', { ifAbsent: true }), false)
    assert.equal(await element.readNote('b'), 'first')
    const racing = Array.from({ length: 20 }, (_, i) =>
      element.writeNote('c', String(i), { ifAbsent: true }),
    )
    const won = await Promise.all(racing)
    assert.equal(won.filter(Boolean).length, 1)
    assert.equal(await element.readNote('c'), String(won.indexOf(true)))
  })
  elementTest(open, 'E2 a note survives a reopening, the newest text', async (element, under) => {
    if (under.reopen === undefined) return
    await element.writeNote('a', 'old')
    await element.writeNote('a', 'new')
    const again = await under.reopen()
    assert.equal(await again.readNote('a'), 'new')
  })
}
