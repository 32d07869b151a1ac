import { audiences } from './fill.ts'
import type { Target } from './targets.ts'

interface Asked {
  readonly who: string
  readonly target: Target
}

const readers: ReadonlySet<string> = new Set(audiences.closed)

/** Differences that there must be, each with its reason. */
const inherent: readonly {
  readonly reason: string
  readonly is: (name: string, creates: boolean, asked: Asked) => boolean
}[] = [
  {
    reason: 'who may make new assets in the bucket learns of a taken key by being refused',
    is: (_, creates, { who, target }) =>
      creates && target.hidden && ['user', 'owner', 'grantee', 'writer'].includes(who),
  },
  {
    reason: 'who rules over buckets, or may list all that is in them, is told what they weigh',
    is: (name, _, { who, target }) =>
      /^(getAssetStats|(list|get)(Buckets?|Quotas?))\b/.test(name) &&
      (readers.has(who) ||
        (who === 'owner' && /^listBuckets|owned/.test(`${name} ${target.name}`))),
  },
  {
    reason:
      'at the door of S3, who lists the whole bucket sees all keys, so 403 tells nothing more',
    is: (name, _, { who, target }) =>
      readers.has(who) && (/^List/.test(name) || (/^[A-Z]/.test(name) && target.hidden)),
  },
  {
    reason: 'figures of the whole store are for operators',
    is: (name, _, { who }) => who === 'operator' && /(Metrics|verifyStore|Garbage)$/.test(name),
  },
  {
    reason: 'names of buckets are one space: what is taken is refused, what is not there is 404',
    is: (name, _, { target }) =>
      target.name === 'once, in one store' && /^(update|remove)Bucket$/.test(name),
  },
  {
    reason: 'at the door of S3, who is not known is told as AWS does which buckets there are',
    is: (name, _, { who, target }) =>
      /^[A-Z]/.test(name) &&
      target.name === 'in an unknown bucket' &&
      (who === 'anonymous' || name === 'Preflight'),
  },
  {
    reason: 'a key that writes in the whole bucket sees which uploads are open there',
    is: (name, _, { who }) => who === 'writer' && name === 'ListMultipartUploads',
  },
  {
    reason: 'auditors see of everything that it was done',
    is: (name, _, { who }) => who === 'auditor' && /Audits$/.test(name),
  },
]

export function isInherent(
  { name, creates }: { readonly name: string; readonly creates: boolean },
  asked: Asked,
): boolean {
  return inherent.some(({ is }) => is(name, creates, asked))
}
