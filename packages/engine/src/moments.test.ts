import assert from 'node:assert/strict'
import { globSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import type { Catalog, CatalogView } from '@holdfast/core/ports/catalog.ts'
import { listAssets } from './assets/list.ts'
import { Moments } from './moments.ts'
import { callOf, openTestStore, put } from './test-store.test.ts'
import { listVersions } from './versions/list.ts'

const view = {} as CatalogView
const catalog: Pick<Catalog, 'read'> = { read: async questions => await questions(view) }
const tick = () => new Promise(resolve => setImmediate(resolve))

it('no more moments than may be are read at once, callers in turn', async () => {
  const moments = new Moments(catalog, 2)
  const order: string[] = []
  let open = 0
  const one = async (id: string) => {
    await moments.read(callOf({ id }), async () => {
      open += 1
      assert.ok(open <= 2, `${open} at once`)
      order.push(id)
      await tick()
      open -= 1
    })
  }
  await Promise.all([...Array.from({ length: 20 }, () => one('many')), one('single')])
  assert.equal(order.length, 21)
  assert.ok(order.indexOf('single') <= 4, order.join(' '))
})

it('strangers wait by address', async () => {
  const moments = new Moments(catalog, 1)
  const order: string[] = []
  const one = async (address: string) => {
    const call = { ...callOf({ kind: 'anonymous', id: 'anonymous' }), address }
    await moments.read(call, () => order.push(address))
  }
  const many = Array.from({ length: 20 }, () => one('192.0.2.1'))
  await Promise.all([...many, one('192.0.2.2')])
  assert.ok(order.indexOf('192.0.2.2') <= 2, order.join(' '))
})

it('a moment that fails, or that nobody waits for, leaves its place to others', async () => {
  const moments = new Moments(catalog, 1)
  const client = new AbortController()
  const failing = moments.read(callOf({}), async () => {
    await tick()
    throw new Error('failed')
  })
  const left = { ...callOf({}), signal: client.signal }
  const gone = moments.read(left, () => assert.fail('begun'))
  const last = moments.read(callOf({}), () => 'answered')
  client.abort()
  await assert.rejects(failing, /failed/)
  await assert.rejects(gone, { name: 'AbortError' })
  assert.equal(await last, 'answered')
  assert.equal(await moments.read(callOf({}), () => 'after'), 'after')
})

const linux = process.platform === 'linux'
const skip = linux ? false : 'open files are told by /proc'

it('many slow callers hold few connections, and fewer are kept', { skip }, async () => {
  await using opened = await openTestStore({ limits: { momentsMax: 6 } })
  const { engine, call, dir } = opened
  const [first] = await Promise.all(
    Array.from({ length: 120 }, (_, at) => put(opened, `k${at}`, `text ${at}`)),
  )
  // SQLite keeps the descriptor of the database itself for the next connection.
  const connections = () => {
    const links = readdirSync('/proc/self/fd').map(fd => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return ''
      }
    })
    return links.filter(link => link === `${dir}/data/catalog.db-wal`).length
  }
  const before = connections()
  const { lists } = engine
  const next = lists.next.bind(lists)
  let most = 0
  lists.next = async caller => {
    most = Math.max(most, connections())
    await next(caller)
  }
  const asked = Array.from({ length: 60 }, async (_, at) => {
    const own = { ...call, principal: { ...call.principal, id: `caller ${at % 20}` } }
    const page = await listAssets(engine, own, { limit: 120 })
    const versions = await listVersions(engine, own, first?.asset.id ?? '')
    return [page.items.length, versions.items.length]
  })
  for (const counts of await Promise.all(asked)) assert.deepEqual(counts, [120, 1])
  assert.equal(most - before, 6)
  assert.ok(connections() - before <= 4, `${connections() - before} are kept`)
})

it('nobody reads a moment of the catalog past the limit', () => {
  const files = globSync('**/*.ts', { cwd: import.meta.dirname })
  const past = files.filter(file => {
    if (file.endsWith('.test.ts') || file === 'moments.ts') return false
    return /catalog\s*\.read\(/.test(readFileSync(join(import.meta.dirname, file), 'utf8'))
  })
  assert.ok(files.length > 100)
  assert.deepEqual(past, [])
})
