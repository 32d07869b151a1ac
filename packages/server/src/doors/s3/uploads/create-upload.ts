import type { ChecksumAlgorithm, ChecksumType } from '@holdfast/core/objects.ts'
import { createUpload } from '@holdfast/engine/multipart/uploads.ts'
import { isHash } from '@holdfast/engine/objects/checksums.ts'
import type { Verified } from '../auth/verify.ts'
import { invalidHeader, S3Error } from '../errors.ts'
import { putInput } from '../objects/put-input.ts'
import { type Answer, xmlAnswer } from '../requests/answer.ts'
import { objectPlace } from '../requests/place.ts'
import { checksumAlgorithmOf } from '../wire/checksums.ts'
import type { RequestHeaders } from '../wire/headers.ts'
import { checksumTypeName } from '../wire/object-headers.ts'
import { writeXml } from '../xml/write.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
export async function createUploadHere(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const facets = await putInput(verified)
  const checksum = chosenChecksum(verified.request.headers)
  const upload = await createUpload(engine, call, { ...address, facets, checksum })
  const xml = writeXml('InitiateMultipartUploadResult', [
    ['Bucket', address.bucket],
    ['Key', address.key],
    ['UploadId', upload.id],
  ])
  const encrypted = upload.facets.encryption
  return xmlAnswer(xml, {
    ...(checksum === undefined
      ? {}
      : {
          'x-amz-checksum-algorithm': checksum.algorithm,
          'x-amz-checksum-type': checksumTypeName(checksum),
        }),
    ...(encrypted === undefined ? {} : { 'x-amz-server-side-encryption': encrypted }),
  })
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html */
function chosenChecksum(
  headers: RequestHeaders,
): { algorithm: ChecksumAlgorithm; type: ChecksumType } | undefined {
  const algorithm = checksumAlgorithmOf(headers.get('x-amz-checksum-algorithm'))
  const type = headers.get('x-amz-checksum-type')?.toUpperCase()
  if (type !== undefined && type !== 'COMPOSITE' && type !== 'FULL_OBJECT') {
    throw invalidHeader('x-amz-checksum-type')
  }
  if (algorithm === undefined) {
    if (type === undefined) return undefined
    const message =
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.'
    throw new S3Error('InvalidRequest', { message })
  }
  const wrong =
    (type === 'FULL_OBJECT' && isHash(algorithm)) ||
    (type === 'COMPOSITE' && algorithm === 'CRC64NVME')
  if (wrong) {
    const name = algorithm.toLowerCase()
    const message = `The ${type} checksum type cannot be used with the ${name} checksum algorithm.`
    throw new S3Error('InvalidRequest', { message })
  }
  const full = type === 'FULL_OBJECT' || algorithm === 'CRC64NVME'
  return { algorithm, type: full ? 'full' : 'composite' }
}
