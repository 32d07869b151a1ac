import type { Answer } from '../wire.ts'
import type { Twin } from './twin.ts'

/** Differs between any two answers, or is whatever the network made of it. */
const asideHeaders = new Set([
  ...['date', 'x-request-id', 'x-amz-request-id', 'x-amz-id-2', 'connection', 'keep-alive'],
  ...['content-length', 'server-timing'],
])

/** All that an answer tells, but for what tells of the moment and of ids that are drawn. */
export function told(answer: Answer, twin: Twin, isHead: boolean): string {
  const headers = Object.entries(answer.headers)
    .filter(([name]) => !asideHeaders.has(name) || (isHead && name === 'content-length'))
    .map(([name, value]) => `${name}: ${value}`)
    .sort()
  const text = `${answer.status}\n${headers.join('\n')}\n\n${answer.text}`
  return (
    twin
      .aliased(text)
      .replaceAll(/<HostId>[^<]*</g, '<HostId><')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
      .replaceAll(/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/g, '<date>')
      .replaceAll(/hfs_[\w-]+/g, '<share>')
      .replaceAll(/HFK[A-Z2-7]{17}/g, '<key id>')
      .replaceAll(/"(secret|n|kid)":"[\w-]+"/g, '"$1":"<secret>"')
      // Not within what is drawn, which may hold these letters.
      .replaceAll(/(?<![\w-])eyJ[\w-]+(\.[\w-]+)*/g, '<token>')
      .replaceAll(/<(Next)?(Continuation|Key|UploadId|VersionId)?(Token|Marker)>[^<]*</g, '<$2$3><')
      .replaceAll(/127\.0\.0\.1:\d+/g, '<host>')
      .replaceAll(/\d{8}\/[0-9a-f]{8}_a\.txt/g, '<day>/<drawn>_a.txt')
      .replaceAll(/"(uptime|latency_ms)":[\d.]+/g, '"$1":<time>')
      .replaceAll(/(retry[-_]after"?: ?)\d+/g, '$1<time>')
      // Counters of the whole store, and where a page ends by them.
      .replaceAll(/"next_cursor":"[^"]+"/g, '"next_cursor":"<cursor>"')
      .replaceAll(/\br\d+(?=\\?")/g, 'r<count>')
      .replaceAll(/"seq":\d+/g, '"seq":<count>')
  )
}
