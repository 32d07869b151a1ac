import { isDeepStrictEqual } from 'node:util'
import { encodeParts } from '../rooms/objects/composed-blobs.ts'
import type { Tables } from '../tables.ts'
import type { ChangeLine, LineBlob, LineGone, LinePuts } from './change-line.ts'

/**
 * What of a line still matters: states that are the newest of their record, the rows of the change
 * log, and, while older packs may hold what they cancel, tombstones.
 */
export function liveOf(tables: Tables, line: ChangeLine, keepTombstones: boolean): ChangeLine {
  const { puts, gone } = line
  const live: LinePuts = {
    buckets: puts.buckets?.filter(({ id, seq }) => tables.buckets.byId(id)?.seq === seq) ?? [],
    assets: puts.assets?.filter(({ id, seq }) => tables.assets.byId(id)?.seq === seq) ?? [],
    versions:
      puts.versions?.filter(({ id, seq }) => tables.versions.briefById(id)?.seq === seq) ?? [],
    blobs: puts.blobs?.filter(blob => isCurrent(tables, blob)) ?? [],
    links: puts.links?.filter(({ id, seq }) => tables.links.byId(id)?.seq === seq) ?? [],
    quotas:
      puts.quotas?.filter(({ scope, name, seq }) => tables.quotas.get(scope, name)?.seq === seq) ??
      [],
    keys: puts.keys?.filter(({ id, seq }) => tables.keys.byId(id)?.seq === seq) ?? [],
    accessKeys:
      puts.accessKeys?.filter(({ id, seq }) => tables.accessKeys.byId(id)?.seq === seq) ?? [],
    uploads: puts.uploads?.filter(({ id, seq }) => tables.uploads.byId(id)?.seq === seq) ?? [],
    parts:
      puts.parts?.filter(
        ({ uploadId, number, seq }) => tables.uploads.part(uploadId, number)?.seq === seq,
      ) ?? [],
    identities:
      puts.identities?.filter(({ id, kind, seq }) => tables.identities.seqOf(id, kind) === seq) ??
      [],
    audits: puts.audits?.filter(row => !tables.audits.isDropped(row)) ?? [],
  }
  const dead = keepTombstones ? withoutEmpty(deadOf(tables, gone)) : {}
  return { ...line, puts: withoutEmpty(live), gone: dead }
}

/**
 * Blobs and quotas may be put again under the name they had. A start that reads only what was
 * carried on behind that would take them away once more.
 */
function deadOf(tables: Tables, gone: LineGone): LineGone {
  return {
    ...gone,
    blobs: gone.blobs?.filter(sha256 => tables.blobs.get(sha256) === undefined) ?? [],
    quotas:
      gone.quotas?.filter(({ scope, name }) => tables.quotas.get(scope, name) === undefined) ?? [],
  }
}

/** Rows of blobs have no number; what they are made of changes where lost bytes come back. */
function isCurrent(tables: Tables, { sha256, parts }: LineBlob): boolean {
  const known = tables.blobs.get(sha256)
  return known !== undefined && isDeepStrictEqual(known.parts && encodeParts(known.parts), parts)
}

function withoutEmpty<T extends LinePuts | LineGone>(lists: T): T {
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)) as T
}
