import type { Route } from '@holdfast/contract/route.ts'
import { type OperationId, routes } from '@holdfast/contract/routes.ts'
import { words } from '../access/policy/words.ts'
import { requestOf } from '../access/rest/requests.ts'
import type { Row, Wanted, World } from '../access/rest/row.ts'
import { rows } from '../access/rest/rows/all-rows.ts'
import type { Asked } from '../access/wire.ts'
import type { Case } from './case.ts'
import { type Facts, longKey, newPerson, type Person, service, tags } from './fill.ts'
import { heaviest, hostileJson, listsOf, plainOf } from './heaviest.ts'
import type { Stand } from './stand.ts'

interface About {
  readonly stand: Stand
  readonly facts: Facts
  readonly operation: OperationId
  readonly route: Route
}

/** Every route by those who may ask for it: plainly, and with the heaviest that it takes. */
export function restCases(stand: Stand, facts: Facts): Case[] {
  return Object.entries<Route>(routes).flatMap(([operation, route]) => {
    const about = { stand, facts, operation: operation as OperationId, route }
    return [...askedCases(about), ...queryCases(about), ...bodyCases(about)]
  })
}

function askers({ facts, route: { permission } }: About): readonly Person[] {
  const { owner, readonly, auditor, visitor } = facts
  if (permission === 'open') return [visitor]
  if (permission === 'self') return [owner, readonly]
  if (permission.startsWith('audit:')) return [auditor]
  if (permission === 'assets:read' || permission === 'metadata:read') {
    return [owner, readonly, auditor, visitor]
  }
  return permission.endsWith(':read') ? [owner, readonly, auditor] : [owner]
}

interface Variant {
  readonly name: string
  readonly ask: (world: World) => Wanted
  readonly prepare?: Row['prepare']
}

/** As in the matrices of who may what, for whom it is nothing special. */
function askedCases(about: About): Case[] {
  const row: Row = rows[about.operation]
  const { more = [] } = words[about.operation]
  const variants: readonly Variant[] = [{ ...row, name: 'asked plainly' }, ...more]
  return variants.flatMap(variant =>
    askers(about).map(who => caseOf(about, who, { prepare: row.prepare, ...variant })),
  )
}

/** One parameter after the other at its longest, in pages of the largest size. */
function queryCases(about: About): Case[] {
  const row: Row = rows[about.operation]
  const schema = about.route.query
  if (schema === undefined) return []
  const properties = plainOf(schema).properties ?? {}
  const limit = properties.limit?.maximum
  const page: Record<string, string> = limit === undefined ? {} : { limit: String(limit) }
  const variants = limit === undefined ? [] : [{ name: 'largest page', query: page }]
  for (const [name, one] of Object.entries(properties)) {
    const value = longest(name, one.type ?? '', heaviest(one, about.facts.foreignIds))
    if (name === 'limit' || name === 'cursor' || value === undefined) continue
    variants.push({ name: `longest ${name}`, query: { ...page, [name]: value } })
  }
  return variants.flatMap(({ name, query }) =>
    askers(about).map(who => {
      const ask = (world: World) => {
        const wanted = row.ask(world)
        // The row asks for little on purpose.
        const { service: _, prefix: __, ...others } = wanted.query ?? {}
        return { ...wanted, query: { ...others, ...query } }
      }
      return caseOf(about, who, { name, ask, prepare: row.prepare })
    }),
  )
}

/** Those that find something, where there is something to be found. */
const findings: Readonly<Record<string, string>> = {
  prefix: 'long/',
  service,
  search: 'tag '.repeat(128).trim(),
  offset: '100',
  tags: tags.slice(0, 32).join(','),
}

function longest(name: string, type: string, value: unknown): string | undefined {
  if (Object.hasOwn(findings, name)) return findings[name]
  if (type === 'string' || type === 'integer' || type === 'boolean') return String(value)
  return typeof value === 'string' ? value : undefined
}

function bodyCases(about: About): Case[] {
  const { route, facts } = about
  if (route.body?.kind !== 'json' && route.body?.kind !== 'form-or-json') return []
  const { schema } = route.body
  const row: Row = rows[about.operation]
  const all = heaviest(schema, facts.foreignIds)
  const lists = Object.fromEntries(listsOf(schema).map(name => [name, all[name]]))
  const variants: Variant[] = [
    { name: 'everything at its longest', ask: world => ({ ...row.ask(world), json: all }) },
  ]
  if (Object.keys(lists).length > 0) {
    const ask = (world: World) => {
      const wanted = row.ask(world)
      return { ...wanted, json: { ...wanted.json, ...lists } }
    }
    variants.push({ name: 'longest lists', ask })
  }
  const [who = facts.owner] = askers(about)
  const heavy = variants.flatMap(variant =>
    askers(about).map(one => caseOf(about, one, { prepare: row.prepare, ...variant })),
  )
  const hostile = Object.entries(hostileJson(schema)).map(([name, text]) => {
    const one = caseOf(about, who, { name: `1 MB, ${name}`, ask: row.ask, prepare: row.prepare })
    return {
      ...one,
      make: async () => ({ ...asJson(await one.make()), body: Buffer.from(text()) }),
    }
  })
  return [...heavy, ...hostile]
}

function asJson(asked: Asked): Asked {
  return { ...asked, headers: { ...asked.headers, 'content-type': 'application/json' } }
}

function caseOf(about: About, who: Person, { name, ask, prepare }: Variant): Case {
  const { operation, route, stand } = about
  return {
    name: `${operation} by ${who.name}, ${name}`,
    operation,
    door: 'rest',
    make: async () => {
      const world = await worldOf(about, who)
      const made = await prepare?.(world)
      const wanted = ask({ ...world, made: made ?? {} })
      const asker = endsItself(operation) ? await newPerson(stand, 'USER') : who
      return requestOf(route, wanted, asker.headers)
    },
  }
  function worldOf({ facts }: About, asker: Person): Promise<World> {
    return makeWorld(stand, facts, { asker, isSpent: spends(operation, route) })
  }
}

/** What is removed or moved is made for it. */
function spends(operation: OperationId, { method }: Route): boolean {
  const isSpent = /^(batchDelete|move|prune|remove|restore|rollback|put)/.test(operation)
  return method === 'DELETE' || isSpent
}

/** Sessions that leave, and accounts that are locked for wrong passwords, ask no more. */
function endsItself(operation: OperationId): boolean {
  const row: Row = rows[operation]
  return row.spends === true || operation === 'confirmSession'
}

async function makeWorld(
  stand: Stand,
  facts: Facts,
  { asker, isSpent }: { readonly asker: Person; readonly isSpent: boolean },
): Promise<World> {
  const common = { lab: stand, who: asker, kind: 'own', service, made: {} } as const
  const owner = { ownerId: facts.owner.id }
  if (!isSpent) {
    // Visitors see what is open to everybody.
    if (asker !== facts.visitor) {
      return { ...common, ...owner, bucket: facts.bucket, key: facts.key, id: facts.id }
    }
    const [id = ''] = facts.ownIds
    return { ...common, ...owner, bucket: facts.publicBucket, key: longKey(0), id }
  }
  made += 1
  const key = `spent/${made}`
  const path = `/api/v2/buckets/${facts.bucket}/assets/${key}?owner_id=${facts.owner.id}`
  const { id } = await stand.must('PUT', path, Buffer.from(key))
  return { ...common, ...owner, bucket: facts.bucket, key, id }
}
let made = 0
