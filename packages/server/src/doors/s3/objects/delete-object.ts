import { removeObject } from '@holdfast/engine/objects/remove-object.ts'
import type { Verified } from '../auth/verify.ts'
import { type Answer, emptyAnswer } from '../requests/answer.ts'
import { objectPlace } from '../requests/place.ts'
import { removalConditions } from '../wire/conditions.ts'
import type { RequestHeaders } from '../wire/headers.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
export async function deleteObject(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const { headers } = verified.request
  const removed = await removeObject(engine, call, {
    ...address,
    bypassGovernance: bypasses(headers),
    conditions: removalConditions({
      etag: headers.get('if-match'),
      size: headers.get('x-amz-if-match-size'),
      modified: headers.get('x-amz-if-match-last-modified-time'),
    }),
  })
  return emptyAnswer(204, {
    'x-amz-version-id': removed.versionId ?? undefined,
    'x-amz-delete-marker': removed.deleteMarker ? 'true' : undefined,
  })
}

export function bypasses(headers: RequestHeaders): boolean {
  return headers.get('x-amz-bypass-governance-retention')?.toLowerCase() === 'true'
}
