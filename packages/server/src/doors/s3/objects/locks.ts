import { getObject } from '@holdfast/engine/objects/find-object.ts'
import { setLegalHold, setObjectRetention } from '@holdfast/engine/objects/object-settings.ts'
import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'
import { REMAINING_DAYS, remainingDays } from '../auth/circumstances.ts'
import type { Verified } from '../auth/verify.ts'
import { invalidArgument, S3Error } from '../errors.ts'
import { type Answer, emptyAnswer, xmlAnswer } from '../requests/answer.ts'
import { objectPlace } from '../requests/place.ts'
import { parseRetention } from '../wire/object-input.ts'
import { malformed, readXml, requireOnly, textOf } from '../xml/read.ts'
import { writeXml } from '../xml/write.ts'
import { bypasses } from './delete-object.ts'

const BODY_BYTES_MAX = 16 * 1024

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectRetention.html */
export async function getRetention(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const object = await getObject(engine, call, { ...address, action: 's3:GetObjectRetention' })
  requireLockedBucket(object)
  const { retention } = object.facets
  if (retention === undefined) throw new S3Error('NoSuchObjectLockConfiguration')
  return xmlAnswer(
    writeXml('Retention', [
      ['Mode', retention.mode],
      ['RetainUntilDate', retention.until],
    ]),
  )
}

export async function putRetention(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const root = readXml(await verified.body.read(BODY_BYTES_MAX), 'Retention')
  requireOnly(root, 'Mode', 'RetainUntilDate')
  const mode = textOf(root, 'Mode')
  const until = textOf(root, 'RetainUntilDate')
  if ((mode === undefined) !== (until === undefined)) throw malformed()
  if (mode !== undefined && mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') throw malformed()
  const retention = mode === undefined || until === undefined ? null : parseRetention(mode, until)
  if (retention !== null && Date.parse(retention.until) <= verified.request.context.clock.now()) {
    const message = 'The retain until date must be in the future!'
    throw invalidArgument('RetainUntilDate', until ?? '', message)
  }
  if (retention !== null) {
    verified.tellConditions({
      's3:object-lock-mode': retention.mode,
      [REMAINING_DAYS]: remainingDays(retention.until, verified.request.context.clock.now()),
    })
  }
  await setObjectRetention(engine, call, {
    ...address,
    retention,
    bypassGovernance: bypasses(verified.request.headers),
  })
  return emptyAnswer(200)
}

export async function getLegalHold(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const object = await getObject(engine, call, { ...address, action: 's3:GetObjectLegalHold' })
  requireLockedBucket(object)
  const { legalHold } = object.facets
  if (legalHold === undefined) throw new S3Error('NoSuchObjectLockConfiguration')
  return xmlAnswer(writeXml('LegalHold', [['Status', legalHold ? 'ON' : 'OFF']]))
}

export async function putLegalHold(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const status = textOf(readXml(await verified.body.read(BODY_BYTES_MAX), 'LegalHold'), 'Status')
  if (status !== 'ON' && status !== 'OFF') throw malformed()
  verified.tellConditions({ 's3:object-lock-legal-hold': status })
  await setLegalHold(engine, call, { ...address, legalHold: status === 'ON' })
  return emptyAnswer(200)
}

function requireLockedBucket({ bucket }: StoredObject): void {
  if (bucket.documents?.objectLock !== undefined) return
  throw new S3Error('InvalidRequest', { message: 'Bucket is missing Object Lock Configuration' })
}
