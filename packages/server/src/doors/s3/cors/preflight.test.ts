import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type S3TestServer, startS3 } from '../started-s3.test.ts'

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  for (const bucket of ['ruled', 'unruled']) {
    assert.equal((await s3.send(`PUT /${bucket}`)).status, 200)
  }
  const rule =
    '<AllowedOrigin>https://one.example</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>'
  const body = `<CORSConfiguration><CORSRule>${rule}</CORSRule></CORSConfiguration>`
  assert.equal((await s3.send('PUT /ruled?cors', { body })).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

async function ask(path: string, origin = 'https://one.example', method = 'PUT') {
  const headers = { origin, 'access-control-request-method': method }
  return await s3.send(`OPTIONS ${path}`, { auth: 'none', headers })
}

test('a preflight that a rule allows is answered with the origin', async () => {
  const { status, headers } = await ask('/ruled/a')
  assert.equal(status, 200)
  assert.equal(headers['access-control-allow-origin'], 'https://one.example')
})

test('a preflight that no rule allows is forbidden in the words of AWS', async () => {
  const refused = [
    await ask('/ruled/a', 'https://two.example'),
    await ask('/ruled/a', undefined, 'GET'),
  ]
  for (const { status, code, text } of refused) {
    assert.deepEqual([status, code], [403, 'AccessForbidden'])
    assert.match(text, /CORSResponse: This CORS request is not allowed\./)
    assert.match(text, /<ResourceType>OBJECT</)
  }
  const { text } = await ask('/ruled', 'https://two.example')
  assert.match(text, /<ResourceType>BUCKET</)
})

test('where there are no rules a preflight is told so', async () => {
  for (const path of ['/unruled/a', '/unruled', '/nowhere/a']) {
    const { status, code, text } = await ask(path)
    assert.deepEqual([status, code], [403, 'AccessForbidden'], path)
    assert.match(text, /CORSResponse: (CORS is not enabled for this bucket\.|Bucket not found)</)
    assert.match(text, /<ResourceType>BUCKET</)
  }
})

test('a request that names a method as a preflight does is held to the rules of that', async () => {
  const rule = async (headers: Record<string, string>) => {
    const origin = 'https://one.example'
    return (await s3.send('GET /ruled', { headers: { origin, ...headers } })).headers
  }
  const allowed = 'access-control-allow-origin'
  assert.equal((await rule({}))[allowed], undefined)
  const named = await rule({ 'access-control-request-method': 'PUT' })
  assert.equal(named[allowed], 'https://one.example')
  assert.equal((await rule({ 'access-control-request-method': 'POST' }))[allowed], undefined)
})

test('a preflight for what no rule could name is a bad request, whatever the rules', async () => {
  const said = async (path: string, method: string, names: string) => {
    const headers = {
      origin: 'https://one.example',
      'access-control-request-method': method,
      'access-control-request-headers': names,
    }
    const { status, code, text } = await s3.send(`OPTIONS ${path}`, { auth: 'none', headers })
    return [status, code, /<Message>(.*?)</.exec(text)?.[1]?.replaceAll('&quot;', '"')]
  }
  for (const path of ['/ruled/a', '/unruled/a']) {
    for (const method of ['put', 'Put', 'PATCH', 'OPTIONS', 'something']) {
      const message = `Invalid Access-Control-Request-Method: ${method}`
      assert.deepEqual(await said(path, method, ''), [400, 'BadRequest', message])
    }
    for (const name of ['x(y)', 'bad@char', 'x[key]', 'in valid']) {
      const message = `Access-Control-Request-Headers "${name}" contains invalid character.`
      assert.deepEqual(await said(path, 'PUT', `date,${name}`), [400, 'BadRequest', message])
    }
    assert.equal((await said(path, 'PUT', 'date, x-amz-date'))[0], 403)
  }
})

test('a rule of CORS may have an age below nothing, as AWS takes it', async () => {
  assert.equal((await s3.send('PUT /aged')).status, 200)
  const inner =
    '<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>' +
    '<MaxAgeSeconds>-5</MaxAgeSeconds>'
  const body = `<CORSConfiguration><CORSRule>${inner}</CORSRule></CORSConfiguration>`
  assert.equal((await s3.send('PUT /aged?cors', { body })).status, 200)
  assert.match((await s3.send('GET /aged?cors')).text, /<MaxAgeSeconds>-5</)
  assert.equal((await s3.send('DELETE /aged?cors')).status, 204)
})

test('names of headers with a wildcard are bounded in all rules of CORS together', async () => {
  assert.equal((await s3.send('PUT /wild')).status, 200)
  const rule = (count: number) => {
    const names = Array.from({ length: count }, (_, at) => `X-${at}-*`)
    const headers = [...names, 'Date'].map(name => `<AllowedHeader>${name}</AllowedHeader>`)
    const allowed = '<AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>'
    return `<CORSRule>${allowed}${headers.join('')}</CORSRule>`
  }
  const put = async (...names: number[]) => {
    const body = `<CORSConfiguration>${names.map(rule).join('')}</CORSConfiguration>`
    return (await s3.send('PUT /wild?cors', { body })).status
  }
  assert.equal(await put(90, 90, 90, 90, 90, 51), 400)
  assert.equal(await put(90, 90, 90, 90, 90, 50), 200)
  const asks = async (names: string) => {
    const headers = {
      origin: 'https://one.example',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': names,
    }
    return (await s3.send('OPTIONS /wild/k', { auth: 'none', headers })).status
  }
  assert.equal(await asks('date, x-89-a'), 200)
  assert.equal(await asks('DATE'), 200)
  assert.equal(await asks('date-x'), 403)
  assert.equal(await asks('x-90-a'), 403)
  assert.equal((await s3.send('DELETE /wild?cors')).status, 204)
})
