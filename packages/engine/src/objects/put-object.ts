import type { Call } from '@holdfast/core/call.ts'
import type { ExpectedDigests } from '@holdfast/core/digests.ts'
import type { ChecksumAlgorithm, ObjectFacets } from '@holdfast/core/objects.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { arrivalAt, findTarget, refuseEarly } from '../assets/intake/put-target.ts'
import { receiveUpload } from '../assets/intake/upload.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { checksumAmong, digestNameOf } from './checksums.ts'
import { type ETagConditions, requireETag } from './etag.ts'
import type { ObjectInput } from './object-facets.ts'
import type { StoredObject } from './object-views.ts'
import { objectPut, requireTargetGrants, storeObject } from './store-object.ts'

export interface PutObjectInput {
  readonly bucket: string
  readonly key: string
  /** Bytes that come, or those that are all there, lent until the put is over. */
  readonly source: ByteSource | Uint8Array
  readonly length?: number | undefined
  /** Digests that came with the headers, hex. */
  readonly expected?: ExpectedDigests | undefined
  /** Digests that come after the bytes, hex; their algorithm must be `checksum`. */
  readonly trailing?: (() => ExpectedDigests) | undefined
  /** Algorithm to compute and keep with the object, always of type `full`. */
  readonly checksum?: ChecksumAlgorithm | undefined
  readonly facets: ObjectInput
  readonly conditions?: ETagConditions | undefined
}

/** A new version at the key: every put makes one, whatever the bytes. */
export async function putObject(
  engine: Engine,
  call: Call,
  input: PutObjectInput,
): Promise<StoredObject> {
  const put = objectPut(engine, call, input)
  const target = await findTarget(engine, call, put)
  const { length, expected, trailing, checksum, conditions = {} } = input
  const shown = target.existing?.deletedAt === null ? target.existing : undefined
  await requireETag(engine.catalog.view, shown, conditions)
  requireTargetGrants(call, { put, target, facets: input.facets })
  await refuseEarly(engine, target, put.fields)
  const arrival = await arrivalAt(engine, target, put.fields)
  const source = await engine.arriving.watched(input.source, arrival)
  const upload = await receiveUpload(engine, call, source, {
    length,
    expected,
    trailing,
    md5: true,
    digests: checksum === undefined ? undefined : [digestNameOf(checksum)],
    sizeMax: target.bucket.settings.assetBytesMax ?? undefined,
  })
  try {
    const { facts, location, head, staged } = upload
    const { digests: _, ...kept } = facts
    const value = checksum === undefined ? undefined : checksumAmong(facts, checksum)
    const facets: ObjectFacets =
      checksum === undefined || value === undefined
        ? input.facets
        : { ...input.facets, checksum: { algorithm: checksum, type: 'full', value } }
    const incoming = { facts: kept, location }
    const ready = { put, target, incoming, head, facets, conditions }
    const bytes = staged === null ? {} : { staged: [staged] }
    return await storeObject(engine, call, {
      ready,
      commit: args => commit(engine, call, { name: 'assets.put', args, ...bytes }),
    })
  } finally {
    await upload.discard()
  }
}
