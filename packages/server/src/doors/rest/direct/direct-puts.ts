import type { Context } from '../../../context.ts'
import type { Received } from '../../../http/body/request-body.ts'
import { receivedBefore } from '../../../http/body/request-body.ts'
import { gather, SMALL_BYTES_MAX } from '../../../http/direct/body-buffers.ts'
import type { Direct, DirectExchange } from '../../../http/direct/direct-first.ts'
import { putHeaders } from '../../../http/direct/put-headers.ts'
import { canWriteWhole, requestIdField } from '../../../http/direct/write-whole.ts'
import { trackRequest } from '../../../http/record-request.ts'
import { RequestState } from '../../../http/request-state.ts'
import type { PlainPut, PlainPuts, Stored } from './plain-puts.ts'

/**
 * Answers plain PUTs of small bodies without the framework, which costs as much as the engine does.
 * Only successes are answered here. What is refused is told the way of all requests: it gets the
 * body, which was read already, and refuses again, with words.
 */
export function directPuts(context: Context, puts: PlainPuts): Direct {
  const { buffers, writer } = puts
  return exchange => {
    const { request, response } = exchange
    if (request.method !== 'PUT') return false
    const put = plainPut(puts, exchange)
    if (put === undefined) return false
    exchange.enter()
    const state = new RequestState(context, exchange, put.headers.requestId ?? '')
    state.principal = put.principal
    context.load.active += 1
    const memory = buffers.take(put.headers.length)
    void serve(puts, state, { put, memory }).then(done => {
      context.load.active -= 1
      // What has to be asked again is read from this memory once more.
      if (!('again' in done)) buffers.giveBack(memory)
      if ('again' in done && response.destroyed) {
        // Its client left: nobody else would tell of it.
        trackRequest(state, () => 'putByKey')
      } else if ('again' in done) {
        // The way of all requests meets the same failure, and has the words for it.
        receivedBefore.set(request, done.again)
        exchange.otherwise()
      } else {
        trackRequest(state, () => 'putByKey')
        if (!canWriteWhole(response)) return
        response.statusCode = done.status
        const fields = requestIdField(state.requestId)
        writer.write(response, done.head, { fields, bytes: done.text })
      }
    })
    return true
  }
}

/** Never rejects. */
async function serve(
  puts: PlainPuts,
  state: RequestState,
  { put, memory }: { readonly put: PlainPut; readonly memory: Buffer },
): Promise<{ readonly again: Received } | Stored> {
  try {
    const bytes = await gather(state.body.source(SMALL_BYTES_MAX), memory)
    const stored = await puts.store(put, state.call(), bytes)
    return stored ?? { again: { chunks: bytes.length === 0 ? [] : [bytes] } }
  } catch (error) {
    return { again: { error } }
  }
}

function plainPut(puts: PlainPuts, { request, response }: DirectExchange): PlainPut | undefined {
  if (!canWriteWhole(response) || request.httpVersionMinor !== 1) return undefined
  const headers = putHeaders(request.rawHeaders)
  return headers && puts.find(request.url ?? '', headers)
}
