import { createHmac } from 'node:crypto'
import { createAccessKey, revokeAccessKey } from '@holdfast/engine/access/keys/access-keys.ts'
import { systemCall } from '@holdfast/engine/engine.ts'
import type { Lab } from '../open-lab.ts'
import { type Caller, password } from '../people.ts'
import { RefusalsAudited } from '../refusals-audited.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import type { Pair } from '../s3/sign.ts'
import { jsonOf } from '../wire.ts'
import { letAllIn, refuseAll } from './half-sent.ts'
import { isGrantable, LateRest } from './late-rest.ts'
import { LateS3, s3Bucket } from './late-s3.ts'

const restBucket = 'mx-private'
const ofAssets = ['assets', 'versions', 'metadata'].flatMap(what => [
  `${what}:read`,
  `${what}:write`,
])

/** Whose tokens the lab has to take. */
const issuer = {
  ...{ issuer: 'late', audience: 'holdfast', algorithm: 'HS256', always: ['ADMIN'] },
  secret: 'the-secret-of-an-issuer-of-late-bodies',
}
export const lateEnv = { STORAGE_EXTERNAL_ISSUERS: JSON.stringify([issuer]) }

/**
 * Everything that takes a body, of both doors, half sent when its sender loses the right to it:
 * by key, session, key pair, role, grant, policy or status. All is refused with the status of who
 * comes so, nothing is stored, and it stands in the audit log. With other changes all is let in.
 */
export async function runLateMatrix(lab: Lab, report: MatrixReport): Promise<void> {
  const rest = await LateRest.open(lab, report)
  const s3 = await LateS3.open(lab, report)
  const refusals = new RefusalsAudited()
  const asking: Asking = { lab, rest, s3, report, refusals }
  const person = await newPerson(lab)
  await endCredentials(asking, person)
  await changeOthers(asking, person)
  await takeRole(asking, person)
  await takeGrants(asking, person)
  await denyByPolicy(asking)
  await shutOut(asking, person)
  await refusals.check(lab, report)
}

interface Asking {
  readonly lab: Lab
  readonly rest: LateRest
  readonly s3: LateS3
  readonly report: MatrixReport
  readonly refusals: RefusalsAudited
}

async function endCredentials({ lab, rest, s3, ...told }: Asking, person: Person): Promise<void> {
  const key = await newKey(lab, ['*'])
  const session = { ...person.session, name: 'a session', headers: await logIn(lab) }
  const subject = await newSubject(lab)
  const pair = await newPair(lab, { permissions: ['*'] })
  const late = [
    ...(await rest.requests(key, 'unknown')),
    ...(await rest.requests(session, 'unknown')),
    ...(await rest.requests(subject, 'unknown')),
    await rest.byLinkOf(key, restBucket),
    ...(await s3.requests({ name: 'a pair', pair })),
    ...(await s3.requests({ name: 'a pair in chunks', pair, mode: 'chunks' })),
  ]
  const happens = async () => {
    const { headers } = session
    await lab.must('DELETE', `/api/v2/keys/${key.id}`)
    await lab.rest.ask({ method: 'POST', path: '/api/v2/auth/logout', headers })
    await update(lab, subject, { status: 'INACTIVE' })
    await revokeAccessKey(lab.context.engine, systemCall('late'), pair.id)
  }
  await refuseAll(lab, { name: 'whose credential ended', late, happens }, told)
}

/** That of the refusals is due to what was lost, and not to how they ask. */
async function changeOthers({ lab, rest, s3, report }: Asking, person: Person): Promise<void> {
  const other = await newKey(lab, ['*'])
  const late = [
    ...(await rest.requests(person.session, 'let in')),
    ...(await s3.requests({ name: 'a user', pair: person.pair }, { letIn: true })),
  ]
  const happens = async () => await lab.must('DELETE', `/api/v2/keys/${other.id}`)
  await letAllIn({ name: 'while others change', late, happens }, report)
}

async function takeRole({ lab, rest, s3, ...told }: Asking, person: Person): Promise<void> {
  const late = [
    ...(await rest.requests(person.session, 'readonly')),
    ...(await s3.requests({ name: 'a user', pair: person.pair })),
  ]
  const happens = async () => await update(lab, person.session, { roles: ['READONLY'] })
  await refuseAll(lab, { name: 'who lost the role', late, happens }, told)
}

async function takeGrants({ lab, rest, s3, ...told }: Asking, person: Person): Promise<void> {
  const principal_id = person.session.id
  const grants = await Promise.all(
    [restBucket, s3Bucket].map(bucket => {
      return lab.must('POST', '/api/v2/grants', { principal_id, bucket, permissions: ofAssets })
    }),
  )
  const all = await rest.requests(person.session, 'readonly')
  const late = [
    ...all.filter(isGrantable),
    ...(await s3.requests({ name: 'a user', pair: person.pair }, { objects: true })),
  ]
  const happens = async () => {
    for (const { id } of grants) await lab.must('DELETE', `/api/v2/grants/${id}`)
  }
  await refuseAll(lab, { name: 'who lost the grant', late, happens }, told)
}

async function denyByPolicy({ lab, rest, s3, ...told }: Asking): Promise<void> {
  const key = await newKey(lab, ofAssets)
  const pair = await newPair(lab, { permissions: ofAssets })
  const late = [
    ...(await rest.requests(key, 'denied')),
    ...(await s3.requests({ name: 'a writer', pair }, { objects: true })),
  ]
  const buckets = [restBucket, s3Bucket]
  const query = { policy: '' }
  const happens = async () => {
    for (const bucket of buckets) {
      const arn = `arn:aws:s3:::${bucket}`
      const denied = { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: [arn, `${arn}/*`] }
      const body = JSON.stringify({ Version: '2012-10-17', Statement: [denied] })
      await s3.must({ method: 'PUT', path: `/${bucket}`, query, body })
    }
  }
  await refuseAll(lab, { name: 'whom a policy denies it', late, happens }, told)
  for (const bucket of buckets) await s3.must({ method: 'DELETE', path: `/${bucket}`, query })
}

async function shutOut({ lab, rest, s3, ...told }: Asking, person: Person): Promise<void> {
  await update(lab, person.session, { roles: ['ADMIN'] })
  const late = [
    ...(await rest.requests(person.session, 'unknown')),
    ...(await s3.requests({ name: 'a user', pair: person.pair })),
  ]
  const happens = async () => await update(lab, person.session, { status: 'INACTIVE' })
  await refuseAll(lab, { name: 'who was shut out', late, happens }, told)
}

/** An administrator, with a session and a key pair. */
interface Person {
  readonly session: Caller
  readonly pair: Pair
}

const username = 'late-administrator'

async function newPerson(lab: Lab): Promise<Person> {
  const input = { username, password, roles: ['ADMIN'], must_change_password: false }
  const { id } = await lab.must('POST', '/api/v2/users', input)
  const session = { name: 'a user', id, headers: await logIn(lab) }
  return { session, pair: await newPair(lab, { userId: id }) }
}

async function logIn(lab: Lab): Promise<Caller['headers']> {
  const tokens = await lab.must('POST', '/api/v2/auth/login', { username, password })
  return { authorization: `Bearer ${tokens.access_token}` }
}

async function update(lab: Lab, { id }: Caller, change: object): Promise<void> {
  await lab.must('PUT', `/api/v2/users/${id}`, change)
}

/** Who comes with a token of another issuer. */
async function newSubject(lab: Lab): Promise<Caller> {
  const exp = Math.floor(lab.now() / 1000) + 300
  const claims = { iss: issuer.issuer, aud: issuer.audience, sub: 'kim', exp }
  const parts = [{ alg: issuer.algorithm, typ: 'JWT' }, claims]
  const text = parts.map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const signature = createHmac('sha256', issuer.secret).update(text).digest('base64url')
  const headers = { authorization: `Bearer ${text}.${signature}` }
  const me = jsonOf(await lab.rest.ask({ method: 'GET', path: '/api/v2/auth/me', headers }))
  return { name: 'a subject', id: me.id, headers }
}

async function newKey(lab: Lab, permissions: readonly string[]): Promise<Caller> {
  const { id, key } = await lab.must('POST', '/api/v2/keys', { name: 'late', permissions })
  return { name: 'a key', id, headers: { 'x-api-key': key } }
}

async function newPair(
  lab: Lab,
  about: { readonly permissions?: readonly string[]; readonly userId?: string },
): Promise<Pair> {
  const input = { name: 'late', ...about }
  const { key, secret } = await createAccessKey(lab.context.engine, systemCall('late'), input)
  return { id: key.id, secret }
}
