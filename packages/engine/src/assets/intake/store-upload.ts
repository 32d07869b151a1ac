import type { Call } from '@holdfast/core/call.ts'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { commit } from '../../commit.ts'
import type { Engine } from '../../engine.ts'
import { settleAfterPut } from '../../integrity/examine.ts'
import { requireAllowedType, requireLength } from '../accepted.ts'
import type { PutArgs, PutResult } from '../writes/put-transaction.ts'
import { seenOf } from '../writes/seen.ts'
import { requireAllowedBytes, resolveType } from './content-type.ts'
import type { CheckedPut } from './put-fields.ts'
import { againTarget, type PutTarget, targetAfterBody } from './put-target.ts'
import type { Upload } from './upload.ts'

export interface ReadyPut {
  readonly put: CheckedPut
  readonly target: PutTarget
  readonly upload: Upload
}

const ATTEMPTS_MAX = 5

/** Commits received bytes, authorising anew when the key changed hands in between. */
export async function storeUpload(engine: Engine, call: Call, ready: ReadyPut): Promise<PutResult> {
  let next = { ...ready, ...(await targetAfterBody(engine, call, ready)) }
  for (let attempt = 1; ; attempt += 1) {
    const args = await putArgs(call, next)
    try {
      const staged = stagedOf([ready.upload])
      const result = await commit(engine, call, { name: 'assets.put', args, ...staged })
      await settleAfterPut(engine, [ready.upload.facts.sha256])
      return result
    } catch (error) {
      if (attempt >= ATTEMPTS_MAX || !changedMeanwhile(error)) throw error
    }
    next = { ...next, ...(await againTarget(engine, call, next.put)) }
  }
}

/** The same for several at once, all or none. */
export async function storeUploads(
  engine: Engine,
  call: Call,
  ready: readonly ReadyPut[],
): Promise<PutResult[]> {
  const staged = stagedOf(ready.map(one => one.upload))
  let next = await Promise.all(
    ready.map(async one => ({ ...one, ...(await targetAfterBody(engine, call, one)) })),
  )
  for (let attempt = 1; ; attempt += 1) {
    const items = await Promise.all(next.map(one => putArgs(call, one)))
    try {
      const work = { name: 'assets.putMany', args: { items }, ...staged } as const
      const results = await commit(engine, call, work)
      const sha256s = ready.map(one => one.upload.facts.sha256)
      await settleAfterPut(engine, sha256s)
      return results
    } catch (error) {
      if (attempt >= ATTEMPTS_MAX || !changedMeanwhile(error)) throw error
    }
    next = await Promise.all(
      next.map(async one => ({ ...one, ...(await againTarget(engine, call, one.put)) })),
    )
  }
}

function changedMeanwhile(error: unknown): boolean {
  return isHoldfastError(error) && error.code === 'CHANGED_MEANWHILE'
}

async function putArgs(call: Call, { put, target, upload }: ReadyPut): Promise<PutArgs> {
  const { fields } = put
  const { bucket } = target
  requireLength(upload.facts.size, bucket.settings.assetBytesMax ?? Number.MAX_SAFE_INTEGER)
  const type = await resolveType(fields.contentType, upload.head)
  requireAllowedType(bucket, type.contentType)
  await requireAllowedBytes(bucket, type.contentType, upload.head)
  const { name, tags, metadata, acl } = fields
  return {
    bucketId: bucket.id,
    key: target.key,
    authorisedId: target.existing?.id ?? null,
    seen: seenOf(bucket, target.existing),
    holds: target.holder !== undefined,
    displaces: target.displaces,
    mode: fields.mode,
    preconditions: { ifMatch: fields.ifMatch, ifNoneMatch: fields.ifNoneMatch },
    incoming: { facts: upload.facts, location: upload.location },
    contentType: type.contentType,
    typeDeclared: type.declared,
    patch: { name, type: fields.type, tags, metadata, acl },
    newName: put.newName,
    service: fields.service,
    ownerId: fields.ownerId,
    createdBy: fields.createdBy ?? call.principal.name,
    description: fields.description ?? '',
  }
}

function stagedOf(uploads: readonly Upload[]): { staged?: NonNullable<Upload['staged']>[] } {
  const staged = uploads.map(upload => upload.staged).filter(one => one !== null)
  return staged.length === 0 ? {} : { staged }
}
