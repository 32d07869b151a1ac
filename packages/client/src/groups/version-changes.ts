import type { BodyOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { VersionFields } from '@holdfast/contract/schemas/upload.ts'
import type { VersionResponse } from '@holdfast/contract/schemas/version.ts'
import { buildForm, type FormFile, formDigest } from '../body/form.ts'
import type { CallOptions } from '../options.ts'
import { callJson, jsonRequest, readJson } from '../wire/operations.ts'
import type { Transport } from '../wire/transport.ts'
import { type ChangeOptions, preconditions } from './asset-changes.ts'
import { paramsOf, type VersionRef } from './version-reads.ts'

export interface PutVersionOptions extends ChangeOptions {
  readonly fields?: VersionFields
}

/** How versions come, change and go. */
export function versionChangeCalls(transport: Transport) {
  return {
    /** New content by form; equal content gives the version there is. */
    async put(id: string, file: FormFile, options: PutVersionOptions = {}) {
      return await put(transport, { id, file, options })
    },

    /** Tag, metadata and description; the content of a version never changes. */
    async update(
      ref: VersionRef,
      changes: BodyOf<Routes['updateVersion']>,
      options: CallOptions = {},
    ) {
      return await callJson(transport, 'updateVersion', {
        method: 'PUT',
        path: '/api/v2/assets/{id}/versions/{version_id}',
        params: paramsOf(ref),
        json: changes,
        options,
      })
    },

    async remove(ref: VersionRef, options: CallOptions = {}): Promise<void> {
      await callJson(transport, 'removeVersion', {
        method: 'DELETE',
        path: '/api/v2/assets/{id}/versions/{version_id}',
        params: paramsOf(ref),
        options,
      })
    },

    /** Makes old content current again, as a new version. */
    async rollback(ref: VersionRef, options: CallOptions = {}) {
      return await callJson(transport, 'rollbackVersion', {
        method: 'POST',
        path: '/api/v2/assets/{id}/versions/{version_id}/rollback',
        params: paramsOf(ref),
        options,
      })
    },

    /** Tagged versions are not pruned. */
    async tag(ref: VersionRef, tag: BodyOf<Routes['tagVersion']>, options: CallOptions = {}) {
      return await callJson(transport, 'tagVersion', {
        method: 'POST',
        path: '/api/v2/assets/{id}/versions/{version_id}/tags',
        params: paramsOf(ref),
        json: tag,
        options,
      })
    },

    /**
     * Deletes old versions; without limits, by those of the bucket. The server takes up to 1,000
     * at once: this asks until none is left, and tells of all.
     */
    async prune(id: string, request: PruneRequest = {}, options: CallOptions = {}) {
      const first = await pruneSome(transport, id, request, options)
      const { pruned } = first
      for (let { more } = first; more; ) {
        const last = pruned.at(-1)
        if (last === undefined) break
        const behind = { ...request, below: last.version_number }
        const next = await pruneSome(transport, id, behind, options)
        pruned.push(...next.pruned)
        // Numbers only go down: a server that stands still must not keep us.
        more = next.more && next.pruned.length > 0
      }
      return { ...first, pruned, pruned_count: pruned.length, more: false }
    },
  }
}

type PruneRequest = NonNullable<BodyOf<Routes['pruneVersions']>>

async function pruneSome(
  transport: Transport,
  id: string,
  request: PruneRequest,
  options: CallOptions,
) {
  return await callJson(transport, 'pruneVersions', {
    method: 'POST',
    path: '/api/v2/assets/{id}/versions/prune',
    params: { id },
    json: request,
    options,
  })
}

async function put(
  transport: Transport,
  upload: { id: string; file: FormFile; options: PutVersionOptions },
): Promise<VersionResponse> {
  const { id, file, options } = upload
  const { fields = {} } = options
  const checksum = fields.checksum ?? (await formDigest(file, transport.sha256))
  const part = {
    file,
    filename: fields.filename ?? 'file',
    contentType: fields.content_type ?? 'application/octet-stream',
  }
  const request = jsonRequest('createVersion', {
    method: 'POST',
    path: '/api/v2/assets/{id}/versions',
    params: { id },
    headers: preconditions(options),
    // Content that is there already makes no second version.
    idempotent: options.ifMatch === undefined,
    options,
  })
  const body = buildForm({ ...fields, checksum }, [part])
  return await transport.run<VersionResponse>({ ...request, body }, readJson)
}
