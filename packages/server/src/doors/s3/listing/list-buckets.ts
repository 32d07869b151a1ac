import { listBuckets } from '@holdfast/engine/buckets/buckets.ts'
import { foundNow } from '../../../http/limits/long-page.ts'
import { requireNumber } from '../auth/verified-body.ts'
import type { Verified } from '../auth/verify.ts'
import { S3Error } from '../errors.ts'
import { type Answer, xmlAnswer } from '../requests/answer.ts'
import { wholeSeconds, writeXml, type XmlNode } from '../xml/write.ts'
import { keyOfToken, tokenOf } from './list-query.ts'
import { ownerNode } from './owner-nodes.ts'

const BUCKETS_MAX = 10_000
const PAGE = 1000

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
export async function listBucketsHere(verified: Verified): Promise<Answer> {
  const { request, call } = verified
  const { query, context } = request
  if (call.principal.kind === 'anonymous') throw new S3Error('AccessDenied')
  const prefix = query.get('prefix') ?? ''
  const max = query.get('max-buckets')
  const limit =
    max === undefined
      ? BUCKETS_MAX
      : requireNumber('max-buckets', max, { min: 1, max: BUCKETS_MAX })
  const token = query.get('continuation-token')
  const region = query.get('bucket-region')
  const start = token === undefined || token === '' ? undefined : keyOfToken(token)
  const elsewhere = region !== undefined && region !== '' && region !== context.settings.s3Region
  const find = async () => await bucketsWith(verified, { prefix, limit: limit + 1, start })
  const renew = () => call.renew(context.engine)
  const found = elsewhere ? [] : await foundNow(call, { renew, find })
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const nodes = page.map((bucket): XmlNode => {
    return [
      'Bucket',
      [
        ['Name', bucket.name],
        ['CreationDate', wholeSeconds(bucket.createdAt)],
        ['BucketRegion', context.settings.s3Region],
      ],
    ]
  })
  const more = found.length > limit && last !== undefined
  const xml = writeXml('ListAllMyBucketsResult', [
    ownerNode(call.principal.id),
    ['Buckets', nodes],
    more ? ['ContinuationToken', tokenOf(last.name)] : undefined,
    prefix === '' ? undefined : ['Prefix', prefix],
  ])
  return xmlAnswer(xml)
}

async function bucketsWith(
  { request, call }: Verified,
  wanted: { readonly prefix: string; readonly limit: number; readonly start: string | undefined },
): Promise<{ readonly name: string; readonly createdAt: string }[]> {
  const { engine } = request.context
  const found: { name: string; createdAt: string }[] = []
  let after = wanted.start
  for (;;) {
    const page = await listBuckets(engine, call, { after, limit: PAGE })
    for (const { bucket } of page.items) {
      if (!bucket.name.startsWith(wanted.prefix)) continue
      found.push(bucket)
      if (found.length >= wanted.limit) return found
    }
    if (page.after === undefined) return found
    after = page.after
  }
}
