import { statSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '@holdfast/drivers/catalog/sqlite/database.ts'
import { CatalogRoom } from '@holdfast/drivers/store/catalog-room.ts'
import { CatalogPlaces } from '../../crash-disk/engine-lab.ts'

/** What a commit of the catalog writes lies in room that was there before its batch was logged. */
export async function catalogFindsRoom(): Promise<void> {
  using places = new CatalogPlaces()
  const path = join(places.fresh(), 'catalog.db')
  const db = openDatabase(path)
  const room = new CatalogRoom(db)
  const sizes = () => ['wal', 'shm'].map(end => statSync(`${path}-${end}`).size).join(' and ')
  try {
    db.exec('CREATE TABLE scratch (value TEXT)')
    const insert = db.prepare('INSERT INTO scratch VALUES (?)')
    const text = 'x'.repeat(2000)
    // The last one fills a block of the index, and begins another.
    for (const rows of [1, 100, 9000]) {
      room.begin()
      db.exec('BEGIN IMMEDIATE')
      for (let row = 0; row < rows; row += 1) insert.run(text)
      room.reserve([text.repeat(rows)], true)
      const before = sizes()
      db.exec('COMMIT')
      if (sizes() !== before)
        throw new Error(`a commit grew the catalog from ${before} to ${sizes()}`)
    }
  } finally {
    db.close()
    room[Symbol.dispose]()
  }
}
