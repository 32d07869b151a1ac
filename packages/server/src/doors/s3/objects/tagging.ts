import { getObject } from '@holdfast/engine/objects/find-object.ts'
import { setObjectTags } from '@holdfast/engine/objects/object-settings.ts'
import { tagKeys } from '../auth/circumstances.ts'
import type { Verified } from '../auth/verify.ts'
import { type Answer, emptyAnswer, xmlAnswer } from '../requests/answer.ts'
import { refuseHidden } from '../requests/hidden-object.ts'
import { objectPlace } from '../requests/place.ts'
import { versionHeader } from '../wire/object-headers.ts'
import { objectTagsMax, readTagging, writeTagging } from '../wire/tags.ts'

const BODY_BYTES_MAX = 64 * 1024

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html */
export async function getObjectTagging(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const action =
    address.versionId === undefined ? 's3:GetObjectTagging' : 's3:GetObjectVersionTagging'
  const object = await getObject(engine, call, { ...address, action }).catch(refuseHidden)
  return xmlAnswer(writeTagging(object.facets.tags ?? []), versionHeader(object))
}

export async function putObjectTagging(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const tags = readTagging(await verified.body.read(BODY_BYTES_MAX), objectTagsMax)
  verified.tellConditions(tagKeys(tags))
  const object = await setObjectTags(engine, call, { ...address, tags }).catch(refuseHidden)
  return emptyAnswer(200, versionHeader(object))
}

export async function deleteObjectTagging(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const none = { ...address, tags: null }
  const object = await setObjectTags(engine, call, none).catch(refuseHidden)
  return emptyAnswer(204, versionHeader(object))
}
