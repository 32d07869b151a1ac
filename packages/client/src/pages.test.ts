import assert from 'node:assert/strict'
import test from 'node:test'
import { eachByCursor } from './pages.ts'

/** What a server gives that answers each cursor with the next one in `links`. */
async function walk(links: Readonly<Record<string, string | null>>): Promise<string[]> {
  const seen: string[] = []
  const pages = eachByCursor(async cursor => {
    assert.ok(seen.length < 1000, 'it goes on for ever')
    return { items: [cursor ?? ''], next_cursor: links[cursor ?? ''] ?? null }
  })
  for await (const item of pages) seen.push(item)
  return seen
}

test('a listing goes on to its end', async () => {
  const links = Object.fromEntries(
    Array.from({ length: 300 }, (_, n) => [`${n || ''}`, `${n + 1}`]),
  )
  assert.equal((await walk(links)).length, 301)
})

test('a listing that goes in circles ends with an error, wherever they begin', async () => {
  for (const [tail, circle] of [0, 1, 2, 7, 50].flatMap(t => [1, 2, 3, 64].map(c => [t, c]))) {
    const length = (tail ?? 0) + (circle ?? 0)
    const links: Record<string, string> = { '': '0' }
    for (let n = 0; n < length; n += 1) links[n] = `${n + 1 === length ? tail : n + 1}`
    await assert.rejects(walk(links), /in circles/, `${tail} and ${circle}`)
  }
})
