import type { Route } from '@holdfast/contract/route.ts'
import { type OperationId, routes } from '@holdfast/contract/routes.ts'
import { asCaller, type Lab } from '../open-lab.ts'
import { type Caller, password } from '../people.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import { requestOf } from '../rest/requests.ts'
import type { Wanted } from '../rest/row.ts'
import type { Worlds } from '../rest/worlds.ts'
import type { Answer, Asked, Wire } from '../wire.ts'
import { learn, type Waiter } from './wait-cases.ts'
import type { Waits } from './waits.ts'

export type End = 'shut out' | 'made a reader' | 'revoked'

/** What somebody has made for others to come by, or comes with themselves. */
interface Given {
  readonly wanted: Wanted
  readonly headers?: Readonly<Record<string, string>>
  /** Of a share link, which can be revoked by itself. */
  readonly share?: string
}

interface Question {
  readonly operation: OperationId
  readonly how: string
  /** About the caller alone, whose role says nothing of it. */
  readonly isOwn?: boolean
  readonly give: (maker: Maker) => Promise<Given>
}

interface Maker {
  readonly lab: Lab
  readonly who: Caller
  readonly bucket: string
  readonly key: string
  readonly id: string
}

const part = { prefix: 'things/' }
const withPassword = { password: 'Violet-Anchor-31-Meadow' }
const basic = `Basic ${Buffer.from(`:${withPassword.password}`).toString('base64')}`

async function share(maker: Maker, what: object, more: object = {}): Promise<Made> {
  const target = 'prefix' in what ? { bucket: maker.bucket, ...what } : { asset_id: maker.id }
  const body = { ...target, ...more }
  const { id, url } = await asCaller(maker.lab, maker.who, {
    method: 'POST',
    path: '/api/v2/shares',
    body,
  })
  const headers = 'password' in more ? { authorization: basic } : {}
  return { share: id, token: new URL(url).pathname.split('/').at(-1) ?? '', headers }
}

interface Made {
  readonly share: string
  readonly token: string
  readonly headers: Readonly<Record<string, string>>
}

const byToken = (what: object, more: object = {}, query?: Record<string, string>) => {
  return async (maker: Maker): Promise<Given> => {
    const { token, ...made } = await share(maker, what, more)
    return { ...made, wanted: { params: { token }, ...(query === undefined ? {} : { query }) } }
  }
}
const byFile =
  (more: object) =>
  async (maker: Maker): Promise<Given> => {
    const { token, ...made } = await share(maker, part, more)
    return { ...made, wanted: { params: { token, key: maker.key.slice(part.prefix.length) } } }
  }
/** The same in the query, as for keys that no path can name. */
const byFileKey =
  (more: object) =>
  async (maker: Maker): Promise<Given> => {
    const query = { key: maker.key.slice(part.prefix.length) }
    return await byToken(part, more, query)(maker)
  }
const byLink = async ({ lab, who, id }: Maker): Promise<Given> => {
  const { url } = await asCaller(lab, who, {
    method: 'GET',
    path: `/api/v2/assets/${id}/presigned-url`,
  })
  return { wanted: { params: { token: url.split('/').at(-1) } } }
}
const byUploadLink = async ({ lab, who, bucket, key }: Maker): Promise<Given> => {
  const place = { bucket, key: `${key}-by-link` }
  const { url } = await asCaller(lab, who, {
    method: 'POST',
    path: '/api/v2/presigned-uploads',
    body: place,
  })
  return { wanted: { params: { token: url.split('/').at(-1) }, bytes: 'by link' } }
}
const byPassword =
  (more: object = {}) =>
  async ({ who }: Maker): Promise<Given> => {
    return { wanted: { json: { username: who.name, password, ...more } } }
  }
const byRefresh = async ({ lab, who: { name: username } }: Maker): Promise<Given> => {
  const tokens = await lab.must('POST', '/api/v2/auth/login', { username, password })
  return { wanted: { json: { refresh_token: tokens.refresh_token } } }
}

const questions: readonly Question[] = [
  { operation: 'describeShare', how: '', give: byToken({}) },
  { operation: 'describeShare', how: ' (part)', give: byToken(part) },
  { operation: 'describeShare', how: ' (1000)', give: byToken(part, {}, { limit: '1000' }) },
  { operation: 'describeShare', how: ' (part, password)', give: byToken(part, withPassword) },
  { operation: 'openShare', how: '', give: byToken({}) },
  { operation: 'openShare', how: ' (counted)', give: byToken({}, { uses_max: 9 }) },
  { operation: 'openShare', how: ' (part)', give: byToken(part) },
  { operation: 'openShare', how: ' (password)', give: byToken({}, withPassword) },
  { operation: 'openShare', how: ' (file)', give: byFileKey({}) },
  { operation: 'openShare', how: ' (file, password)', give: byFileKey(withPassword) },
  { operation: 'headShare', how: '', give: byToken({}) },
  { operation: 'headShare', how: ' (password)', give: byToken({}, withPassword) },
  { operation: 'openSharedFile', how: '', give: byFile({}) },
  { operation: 'openSharedFile', how: ' (password)', give: byFile(withPassword) },
  { operation: 'headSharedFile', how: '', give: byFile({}) },
  { operation: 'openLink', how: '', give: byLink },
  { operation: 'headLink', how: '', give: byLink },
  { operation: 'putLink', how: '', give: byUploadLink },
  { operation: 'login', how: '', isOwn: true, give: byPassword() },
  {
    operation: 'changePassword',
    how: '',
    isOwn: true,
    give: byPassword({ new_password: `${password}-9` }),
  },
  { operation: 'beginSecondFactor', how: '', isOwn: true, give: byPassword() },
  { operation: 'refresh', how: '', isOwn: true, give: byRefresh },
]

interface Asking {
  readonly lab: Lab
  readonly wire: Wire
  readonly waits: Waits
  readonly report: MatrixReport
}

/** What is asked for without a caller in the head: by links, or with a secret in the body. */
export class WaitLinks {
  readonly #asking: Asking
  readonly #worlds: Worlds
  readonly questions = questions

  constructor(asking: Asking, worlds: Worlds) {
    this.#asking = asking
    this.#worlds = worlds
  }

  async learn(question: Question, who: Caller): Promise<number> {
    const { wire, waits, report } = this.#asking
    const { asked } = await this.#asked(question, who)
    const problem = ({ status }: Answer) => (status < 300 ? undefined : 'but may')
    const came = await learn(waits, { what: whatOf(question), wire, asked }, { report, problem })
    return came.length
  }

  async waiter(
    question: Question,
    who: Caller,
    { waits, end }: { readonly waits: number; readonly end: End },
  ): Promise<(Waiter & { readonly share: string | undefined }) | undefined> {
    const { asked, share } = await this.#asked(question, who)
    if (end === 'revoked' && share === undefined) return undefined
    if (end === 'made a reader' && question.isOwn === true) return undefined
    return {
      ...{ what: whatOf(question), wire: this.#asking.wire, asked, waits, share },
      isOfSeveral: false,
      problem: ({ status }) => {
        // What the maker may not read is left out of its lists.
        if (end === 'made a reader' && isList(question) && status === 200) return undefined
        return status === 401 || status === 403 || status === 404 ? undefined : 'must be refused'
      },
    }
  }

  async #asked(question: Question, who: Caller) {
    const { lab } = this.#asking
    const { bucket, key, id } = await this.#worlds.get(who, 'foreign', true)
    const given = await question.give({ lab, who, bucket, key, id })
    const route: Route = routes[question.operation]
    const asked: Asked = requestOf(route, given.wanted, given.headers ?? {})
    return { asked, share: given.share }
  }
}

function isList({ how }: Question): boolean {
  return how === ' (part)' || how === ' (1000)' || how === ' (part, password)'
}

function whatOf({ operation, how }: Question): string {
  return `${operation}${how}`
}
