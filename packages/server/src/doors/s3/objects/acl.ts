import type { Grant, ObjectAcl } from '@holdfast/core/objects.ts'
import { privateAcl } from '@holdfast/engine/access/bucket-acl.ts'
import { getObject } from '@holdfast/engine/objects/find-object.ts'
import { aclsAreOff, objectOwner } from '@holdfast/engine/objects/object-facets.ts'
import { setObjectAcl } from '@holdfast/engine/objects/object-settings.ts'
import type { Verified } from '../auth/verify.ts'
import { S3Error } from '../errors.ts'
import { type Answer, emptyAnswer, xmlAnswer } from '../requests/answer.ts'
import { refuseHidden } from '../requests/hidden-object.ts'
import { objectPlace } from '../requests/place.ts'
import { aclOfHeaders, requireKnown } from '../wire/acl-headers.ts'
import { readAcl, writeAcl } from '../wire/acl-xml.ts'
import { versionHeader } from '../wire/object-headers.ts'

const BODY_BYTES_MAX = 128 * 1024

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAcl.html */
export async function getObjectAcl(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const action = address.versionId === undefined ? 's3:GetObjectAcl' : 's3:GetObjectVersionAcl'
  const object = await getObject(engine, call, { ...address, action })
  const kept = aclsAreOff(object.bucket) ? undefined : object.facets.acl
  const acl = kept ?? privateAcl(objectOwner(object))
  return xmlAnswer(writeAcl(acl), versionHeader(object))
}

export async function putObjectAcl(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const action = address.versionId === undefined ? 's3:PutObjectAcl' : 's3:PutObjectVersionAcl'
  const found = await getObject(engine, call, { ...address, action }).catch(refuseHidden)
  const acl = await wantedAcl(verified, objectOwner(found))
  const object = await setObjectAcl(engine, call, { ...address, acl })
  return emptyAnswer(200, versionHeader(object))
}

/** Of the headers or of the body, for the owner that there is. */
export async function wantedAcl(verified: Verified, owner: string): Promise<ObjectAcl> {
  const headers = await aclOfHeaders(verified, owner)
  const bytes = await verified.body.read(BODY_BYTES_MAX)
  if (headers === undefined) {
    if (bytes.length === 0)
      throw new S3Error('MissingSecurityHeader', { MissingHeaderName: 'x-amz-acl' })
    const acl = readAcl(bytes)
    if (acl.owner !== owner) {
      const grantee = { id: acl.owner }
      const claimed: Grant = { permission: 'FULL_CONTROL', grantee }
      await requireKnown(verified, { owner, grants: [claimed] }, 'CanonicalUser/ID')
      // An object cannot be given away.
      throw new S3Error('AccessDenied')
    }
    await requireKnown(verified, acl, 'CanonicalUser/ID')
    return acl
  }
  if (bytes.length > 0) throw new S3Error('UnexpectedContent')
  return headers
}
