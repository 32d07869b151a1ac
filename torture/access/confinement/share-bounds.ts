import type { Lab } from '../open-lab.ts'
import { adminKey } from '../open-lab.ts'
import { canary } from '../people.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import type { Answer } from '../wire.ts'
import { lastOf } from './confined.ts'

const bucket = 'mx-shared'
const prefix = 'part/'
/** Keys are told below the prefix. */
const inside = 'in.txt'
/** What a reader of paths could take for a way out. */
const outside = [
  ...['../other/in.txt', '%2e%2e/other/in.txt', '..%2fother/in.txt', '..%5cother/in.txt'],
  ...['%252e%252e/other/in.txt', './../other/in.txt', '/other/in.txt', '%2fother/in.txt'],
  ...['..%2f..%2fmx-shared-2%2fpart%2fin.txt', '../../mx-shared-2/part/in.txt'],
  ...['part/in.txt', 'other/in.txt', '../part2/in.txt', '2/in.txt', 'IN.TXT', 'in.txt%00'],
  ...['in.txt/', 'in.txt%00/../../other/in.txt', '/in.txt', '%2e/in.txt', '..', '%2e%2e'],
]
const passwords = { asset: 'password of the asset', part: 'password of the part' }

/** Links to one asset and to a part: with keys outside, without their password, in wrong places. */
export async function runShareBounds(lab: Lab, report: MatrixReport): Promise<void> {
  const [id] = await putAll(lab)
  const share = async (body: object) => lastOf((await lab.must('POST', '/api/v2/shares', body)).url)
  const [asset, part] = [{ asset_id: id }, { bucket, prefix }]
  const judge = (what: string, answer: Answer) => {
    report.count('share refused')
    const problem = problemOf(answer)
    if (problem === undefined) report.pass()
    else report.fail(`${what}: ${answer.status} ${answer.text.slice(0, 160)}: ${problem}`)
  }
  const [ofAsset, ofPart] = [await share(asset), await share(part)]
  await requireOpen(lab, `/s/${ofAsset}`)
  await requireOpen(lab, `/s/${ofPart}/${inside}`)
  for (const method of ['GET', 'HEAD']) {
    for (const key of outside) {
      for (const token of [ofAsset, ofPart]) {
        const path = `/s/${token}/${key}`
        judge(`${method} ${path}`, await lab.rest.ask({ method, path }))
      }
    }
    const path = `/s/${ofAsset}/${inside}`
    judge(`${method} ${path}`, await lab.rest.ask({ method, path }))
  }
  for (const path of [`/s/${ofPart}`, `/api/v2/shared/${ofPart}`]) {
    const { text } = await lab.rest.ask({ method: 'GET', path })
    if (!text.includes(inside) || /part2|other|PART/.test(text)) report.fail(`${path}: ${text}`)
  }
  const locked = {
    asset: await share({ ...asset, password: passwords.asset }),
    part: await share({ ...part, password: passwords.part }),
  }
  await requireOpen(lab, `/s/${locked.asset}`, basic(passwords.asset))
  for (const [method, path] of doorsOf(locked)) {
    const other = path.includes(locked.asset) ? passwords.part : passwords.asset
    for (const headers of [{}, basic(''), basic(other), { 'x-api-key': adminKey }]) {
      judge(
        `${method} ${path} ${Object.keys(headers)}`,
        await lab.rest.ask({ method, path, headers }),
      )
    }
  }
  const link = lastOf((await lab.must('GET', `/api/v2/assets/${id}/presigned-url`)).url)
  for (const path of [`/s/${link}`, `/api/v2/shared/${link}`, `/api/v2/presigned/${ofAsset}`]) {
    judge(path, await lab.rest.ask({ method: 'GET', path }))
  }
}

async function putAll(lab: Lab): Promise<string[]> {
  const ids: string[] = []
  for (const name of [bucket, `${bucket}-2`]) {
    await lab.must('POST', '/api/v2/buckets', { name })
    for (const key of ['part/in.txt', 'part2/in.txt', 'other/in.txt', 'PART/in.txt', 'part']) {
      const path = `/api/v2/buckets/${name}/assets/${key}`
      ids.push((await lab.must('PUT', path, Buffer.from(`${canary} ${name} ${key}`))).id)
    }
  }
  return ids
}

/** Nothing is proved by links that open nothing at all. */
async function requireOpen(lab: Lab, path: string, headers = {}): Promise<void> {
  const answer = await lab.rest.ask({ method: 'GET', path, headers })
  if (answer.status !== 200 || !answer.text.includes(canary)) {
    throw new Error(`${path}: ${answer.status} ${answer.text}`)
  }
}

function doorsOf({ asset, part }: { asset: string; part: string }): [string, string][] {
  const tokens = [asset, part]
  return [
    ...tokens.map((token): [string, string] => ['GET', `/api/v2/shared/${token}`]),
    ...['GET', 'HEAD'].flatMap(method => [
      ...tokens.map((token): [string, string] => [method, `/s/${token}`]),
      [method, `/s/${part}/${inside}`] as [string, string],
    ]),
  ]
}

function basic(password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`any:${password}`).toString('base64')}` }
}

function problemOf({ status, text, headers }: Answer): string | undefined {
  if (status < 400 || status >= 500) return 'is not refused'
  if (text.includes(canary) || headers.etag !== undefined) return 'tells what is there'
  return undefined
}
