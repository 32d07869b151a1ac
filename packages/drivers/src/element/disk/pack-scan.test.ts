import assert from 'node:assert/strict'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { nodeDisk } from '../../disk/node-disk.ts'
import { encodeBatch } from './batch.ts'
import { endsBatch } from './pack-scan.ts'
import { RECORD } from './tar-entry.ts'

const secret = Buffer.alloc(32, 7)

test('finds the batch that ends at a place, however long its lines are', () => {
  const dir = fs.mkdtempSync(join(tmpdir(), 'holdfast-scan-'))
  try {
    const batches = [['{}'], [JSON.stringify('x'.repeat(200_000))], ['{}', '{}']].map(
      (lines, index) => encodeBatch(index + 1, { bodies: [], lines }, { mtimeS: 0, secret }),
    )
    fs.writeFileSync(`${dir}/pack`, Buffer.concat([...batches, Buffer.alloc(300_000)]))
    const file = nodeDisk.open(`${dir}/pack`, 'read')
    let end = 0
    for (const [index, { length }] of batches.entries()) {
      end += length
      const batch = index + 1
      assert.equal(endsBatch(file, end, batch), true)
      const others = [
        endsBatch(file, end, batch + 1),
        endsBatch(file, end, batch - 1),
        endsBatch(file, end - RECORD, batch),
        endsBatch(file, end + 2 * RECORD, batch),
      ]
      assert.deepEqual(others, [false, false, false, false], `batch ${batch}`)
    }
    file.close()
  } finally {
    fs.rmSync(dir, { recursive: true })
  }
})
