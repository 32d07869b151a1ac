import type { Route } from '@holdfast/contract/route.ts'
import { scopeCovers } from '@holdfast/core/principal.ts'
import type { Lab } from '../open-lab.ts'
import { type Caller, elsewhere, type Living, password } from '../people.ts'
import type { Row } from '../rest/row.ts'
import { type Kind, rules } from '../rest/rules.ts'

/** Somebody who holds much, but within bounds that no world of the matrix lies in. */
export interface Confined {
  readonly who: Caller
  /** Whether it must be kept from what the route does with a thing of this kind. */
  readonly isOutside: (asked: { route: Route; row: Row; kind: Kind }) => boolean
}

const everything = ['*']

/** Those who are let in, each somewhere else. */
export async function confine(lab: Lab): Promise<Confined[]> {
  const grant = { bucket: 'mx-private', prefix: 'granted/' }
  const [grantee, member] = [await newUser(lab, 'grantee'), await newUser(lab, 'member')]
  const members = [member.id]
  const { id: group } = await lab.must('POST', '/api/v2/groups', { name: 'mx-bounds', members })
  for (const principal_id of [grantee.id, group]) {
    const permissions = ['assets:*', 'versions:*', 'metadata:*']
    await lab.must('POST', '/api/v2/grants', { principal_id, ...grant, permissions })
  }
  const free = { permissions: everything }
  const bound = { ...free, buckets: [elsewhere] }
  const ofBucket = as('confined')
  const ofScope = scoped('buckets:read')
  return [
    { who: grantee, isOutside: as('stranger') },
    { who: member, isOutside: as('stranger') },
    { who: await newKey(lab, bound), isOutside: ofBucket },
    { who: await newAccount(lab, 'bound', bound), isOutside: ofBucket },
    {
      who: await newAccount(lab, 'scoped', { ...free, scope: 'buckets:read' }),
      isOutside: ofScope,
    },
    {
      who: await newAccount(lab, 'both', { ...bound, scope: 'assets:read' }),
      isOutside: asked => ofBucket(asked) || scoped('assets:read')(asked),
    },
  ]
}

/** As the matrix of roles says it of this one. */
function as(living: Living): Confined['isOutside'] {
  return ({ row, kind }) => '134'.includes(row.rule[kind][living])
}

/** Whatever the account holds and owns, and whatever is open to everybody. */
function scoped(scope: string): Confined['isOutside'] {
  return ({ route: { permission }, row: { rule } }) => {
    if (rule === rules.open || permission === 'open') return false
    if (permission === 'self') return rule !== rules.self
    return !scopeCovers(scope, permission)
  }
}

/** What opens something at its own place, shown where other credentials go. */
export async function misuse(lab: Lab): Promise<Caller[]> {
  const key = 'granted/misused'
  const path = `/api/v2/buckets/mx-private/assets/${key}`
  const { id: asset_id } = await lab.must('PUT', path, Buffer.from('misused'))
  const share = await lab.must('POST', '/api/v2/shares', { asset_id, password })
  const download = await lab.must('GET', `/api/v2/assets/${asset_id}/presigned-url`)
  const place = { bucket: 'mx-private', key }
  const upload = await lab.must('POST', '/api/v2/presigned-uploads', place)
  const pair = await lab.must('POST', '/api/v2/s3/keys', { name: 'mx', permissions: everything })
  const user = await newUser(lab, 'misused', ['ADMIN'])
  const login = { username: 'mx-misused', password }
  const session = await lab.must('POST', '/api/v2/auth/login', login)
  const account = await lab.must('POST', '/api/v2/service-accounts', { name: 'mx-misused' })
  const secrets = {
    'share token': lastOf(share.url),
    'share id': share.id,
    'link password': password,
    'download link': lastOf(download.url),
    'upload link': lastOf(upload.url),
    'refresh token': session.refresh_token,
    'client secret': account.client_secret,
    's3 secret': pair.secret,
    'user id': user.id,
  }
  return Object.entries(secrets).flatMap(([name, secret]) => {
    if (typeof secret !== 'string') throw new Error(`no ${name}`)
    const basic = Buffer.from(`mx-misused:${secret}`).toString('base64')
    const headers: Record<string, string>[] = [
      { authorization: `Bearer ${secret}` },
      { 'x-api-key': secret },
      ...(/password|client/.test(name) ? [{ authorization: `Basic ${basic}` }] : []),
    ]
    return headers.map(one => ({ name: `${name} as ${Object.keys(one)}`, id: '', headers: one }))
  })
}

export function lastOf(url: string): string {
  return new URL(url).pathname.split('/').at(-1) ?? ''
}

async function newUser(lab: Lab, name: string, roles: string[] = []): Promise<Caller> {
  const username = `mx-${name}`
  const input = { username, password, roles, must_change_password: false }
  const { id } = await lab.must('POST', '/api/v2/users', input)
  const { access_token: token } = await lab.must('POST', '/api/v2/auth/login', {
    username,
    password,
  })
  return { name, id, headers: { authorization: `Bearer ${token}` } }
}

interface Bounds {
  readonly permissions: readonly string[]
  readonly buckets?: readonly string[]
}

async function newKey(lab: Lab, bounds: Bounds): Promise<Caller> {
  const { id, key } = await lab.must('POST', '/api/v2/keys', { name: 'mx-bound', ...bounds })
  return { name: 'bound key', id, headers: { 'x-api-key': key } }
}

async function newAccount(
  lab: Lab,
  name: string,
  bounds: Bounds & { readonly scope?: string },
): Promise<Caller> {
  const { scope, ...held } = bounds
  const made = await lab.must('POST', '/api/v2/service-accounts', { name: `mx-${name}`, ...held })
  const { client_id, client_secret } = made
  const asked = { client_id, client_secret, ...(scope === undefined ? {} : { scope }) }
  const { access_token: token } = await lab.must('POST', '/api/v2/auth/token', asked)
  return { name: `${name} account`, id: made.id, headers: { authorization: `Bearer ${token}` } }
}
