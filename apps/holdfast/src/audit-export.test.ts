import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import test, { type TestContext } from 'node:test'
import { type Running, run, start, until } from './running-program.test.ts'

/** A server whose every answer is what `send` does. */
async function serving(
  t: TestContext,
  send: (response: ServerResponse, nth: number) => void,
  type = 'application/x-ndjson',
) {
  const asked: (string | undefined)[] = []
  const server = createServer((request, response) => {
    asked.push(request.url)
    response.writeHead(200, { 'content-type': type })
    send(response, asked.length)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const env = { HOLDFAST_URL: `http://127.0.0.1:${address.port}`, HOLDFAST_API_KEY: 'k' }
  return { env, asked }
}

async function printed(running: Running, text: string): Promise<void> {
  await until(() => (running.output().stdout === text ? true : undefined))
}

test('rows of an export are printed as they come, safe for a terminal', async t => {
  const given: { response?: ServerResponse } = {}
  const { env, asked } = await serving(t, response => {
    given.response = response
    response.write('{"agent":"a\x1b"}\n')
  })
  const running = start(['audit', 'export', '--actor', 'x'], { env })
  await printed(running, '{"agent":"a\\u001b"}\n')
  const [first, second] = [Buffer.from('{"n":"🦭'), Buffer.from('\u202e"}\n')]
  given.response?.write(first.subarray(0, -2))
  await printed(running, '{"agent":"a\\u001b"}\n{"n":"')
  given.response?.end(Buffer.concat([first.subarray(-2), second]))
  const { code, stdout } = await running.ended
  assert.deepEqual([code, stdout], [0, '{"agent":"a\\u001b"}\n{"n":"🦭\\u202e"}\n'])
  assert.deepEqual(asked, ['/api/v2/audit/export?actor=x&format=jsonl'])
})

test('an export that breaks off ends with an error, and is not printed again', async t => {
  const { env, asked } = await serving(t, response => {
    response.write('{"seq":1}\n', () => setTimeout(() => response.destroy(), 50))
  })
  const { code, stdout, stderr } = await run(['audit', 'export'], { env })
  assert.deepEqual([code, stdout], [1, '{"seq":1}\n'])
  assert.match(stderr, /NETWORK/)
  assert.equal(asked.length, 1)
})

test('a file of CSV gets the bytes as they came', async t => {
  const { env } = await serving(t, response => response.end('\ufeffseq\r\n1\r\n"\x1b"\r\n'))
  const { code, stdout } = await run(['audit', 'export', '--csv'], { env })
  assert.deepEqual([code, stdout], [0, '\ufeffseq\r\n1\r\n"\x1b"\r\n'])
})

test('a list goes on where a page of large rows ended early, to its limit', async t => {
  const row = (seq: number) => ({
    ...{ seq, at: '2026-05-01T00:00:00.000Z', severity: 'info', actor_name: 'ann', ip: '::1' },
    ...{ action: 'act', code: null, outcome: 'success', resource: {} },
  })
  const pages = [
    { items: [row(9), row(8)], next_cursor: '8' },
    { items: [row(7)], next_cursor: '7' },
    { items: [row(6)], next_cursor: null },
  ]
  const { env, asked } = await serving(
    t,
    (response, nth) => response.end(JSON.stringify(pages[nth - 1])),
    'application/json',
  )
  const shown = async (limit: string) => {
    const { stdout } = await run(['audit', 'list', '-n', limit, '--json'], { env })
    const lines = stdout.trim().split('\n')
    return lines.map(line => JSON.parse(line).seq)
  }
  assert.deepEqual(await shown('3'), [9, 8, 7])
  const path = '/api/v2/audit'
  assert.deepEqual(asked, [`${path}?limit=3`, `${path}?limit=1&cursor=8`])
  asked.length = 0
  assert.deepEqual(await shown('9'), [9, 8, 7, 6])
  assert.equal(asked.length, 3)
})
