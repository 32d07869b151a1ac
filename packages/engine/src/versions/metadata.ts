import { isDeepStrictEqual } from 'node:util'
import { invalidFields } from '@holdfast/core/errors.ts'
import { metadataProblems } from '@holdfast/core/names.ts'
import type { Json, JsonObject } from '@holdfast/core/records.ts'

export interface MetadataChanges {
  readonly added: JsonObject
  readonly removed: JsonObject
  readonly changed: { readonly [key: string]: { readonly old: Json; readonly new: Json } }
}

/** What has to happen to the top-level keys of `was` to get `is`. */
export function compareMetadata(was: JsonObject, is: JsonObject): MetadataChanges {
  const added: [string, Json][] = []
  const removed: [string, Json][] = []
  const changed: [string, { old: Json; new: Json }][] = []
  for (const [key, value] of Object.entries(is)) {
    const old = Object.hasOwn(was, key) ? was[key] : undefined
    if (old === undefined) added.push([key, value])
    else if (!isDeepStrictEqual(old, value)) changed.push([key, { old, new: value }])
  }
  for (const [key, value] of Object.entries(was)) {
    if (!Object.hasOwn(is, key)) removed.push([key, value])
  }
  return {
    added: Object.fromEntries(added),
    removed: Object.fromEntries(removed),
    changed: Object.fromEntries(changed),
  }
}

/** Top-level keys replace, null removes. VALIDATION_ERROR when the whole grows past its bounds. */
export function mergeMetadata(metadata: JsonObject, changes: JsonObject): JsonObject {
  const entries = Object.entries({ ...metadata, ...changes }).filter(([, value]) => value !== null)
  const merged: JsonObject = Object.fromEntries(entries)
  const problems = metadataProblems(merged, 'metadata')
  if (problems.length > 0) throw invalidFields(...problems)
  return merged
}
