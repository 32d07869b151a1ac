import assert from 'node:assert/strict'
import { diskTest, getFile, getText, putFile, text } from './disk-test.ts'
import type { OpenDisk } from './under-test.ts'

export function streamTests(open: OpenDisk): void {
  diskTest(open, 'a stream writes its chunks in order and reads them back', async (disk, root) => {
    const stream = await disk.openAsync(`${root}/a`, 'create')
    await stream.write([text('one '), text(''), text('two ')], 0)
    await stream.write([text('three')], 8)
    await stream.sync()
    assert.equal(await stream.size(), 13)
    await stream.close()
    assert.equal(getText(disk, `${root}/a`), 'one two three')
  })
  diskTest(open, 'a stream takes more chunks than one system call does', async (disk, root) => {
    // IOV_MAX is 1024 on Linux.
    const chunks = Array.from({ length: 3000 }, (_, i) => Uint8Array.of(i % 256, i >> 8))
    const stream = await disk.openAsync(`${root}/a`, 'create')
    await stream.write(chunks, 0)
    await stream.close()
    assert.equal(Buffer.compare(getFile(disk, `${root}/a`), Buffer.concat(chunks)), 0)
  })
  diskTest(open, 'a stream writes megabytes whole', async (disk, root) => {
    const part = new Uint8Array(1_500_001).map((_, i) => i % 253)
    const stream = await disk.openAsync(`${root}/a`, 'create')
    await stream.write([part, part, part], 0)
    await stream.close()
    assert.equal(Buffer.compare(getFile(disk, `${root}/a`), Buffer.concat([part, part, part])), 0)
  })
  diskTest(open, 'a stream reads at any position, short only at the end', async (disk, root) => {
    putFile(disk, `${root}/a`, new Uint8Array(5000).fill(3))
    const stream = await disk.openAsync(`${root}/a`, 'read')
    const into = new Uint8Array(2000)
    assert.equal(await stream.read(into, 0), 2000)
    assert.ok(into.every(byte => byte === 3))
    assert.equal(await stream.read(into, 4000), 1000)
    assert.equal(await stream.read(into, 5000), 0)
    assert.equal(await stream.size(), 5000)
    into.fill(0)
    assert.equal(stream.readNow(into, 4500), 500)
    assert.ok(into.subarray(0, 500).every(byte => byte === 3))
    assert.equal(stream.readNow(into, 5000), 0)
    await stream.close()
  })
  diskTest(open, 'many streams work at once', async (disk, root) => {
    const write = async (i: number) => {
      const stream = await disk.openAsync(`${root}/s${i}`, 'create')
      await stream.write([text(`stream ${i}`)], 0)
      await stream.sync()
      await stream.close()
    }
    await Promise.all(Array.from({ length: 40 }, (_, i) => write(i)))
    for (let i = 0; i < 40; i += 1) assert.equal(getText(disk, `${root}/s${i}`), `stream ${i}`)
  })
}
