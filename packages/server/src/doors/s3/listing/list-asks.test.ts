import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type S3TestServer, startS3, told } from '../started-s3.test.ts'

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /asked')).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

/** As AWS answered it: argument and sentence, and the first of several mistakes. */
async function refused(query: string): Promise<[string | undefined, string | undefined]> {
  const answer = await s3.send(`GET /asked?${query}`)
  assert.deepEqual(told(answer), [400, 'InvalidArgument'], query)
  const { text } = answer
  return [/<ArgumentName>(.*?)</.exec(text)?.[1], /<Message>(.*?)</.exec(text)?.[1]]
}

const NO_INTEGER = 'Provided max-keys not an integer or within integer range'
const NEGATIVE = 'Argument maxKeys must be an integer between 0 and 2147483647'

test('a number of keys that is none is refused in the words of AWS', async () => {
  for (const list of ['', 'list-type=2&', 'versions&']) {
    for (const wrong of ['abc', '1.5', '2147483648', '-2147483649', '9'.repeat(30)]) {
      assert.deepEqual(await refused(`${list}max-keys=${wrong}`), ['max-keys', NO_INTEGER])
    }
    assert.deepEqual(await refused(`${list}max-keys=-1`), ['maxKeys', NEGATIVE])
    for (const right of ['0', '1', '', '2147483647']) {
      assert.equal((await s3.send(`GET /asked?${list}max-keys=${right}`)).status, 200)
    }
  }
})

test('so is a number of parts or uploads', async () => {
  const created = await s3.send('POST /asked/key?uploads')
  const id = /<UploadId>(.*?)</.exec(created.text)?.[1]
  const asks = [
    ['max-parts', `/key?uploadId=${id}&`],
    ['part-number-marker', `/key?uploadId=${id}&`],
    ['max-uploads', '?uploads&'],
  ] as const
  for (const [name, path] of asks) {
    const message = async (value: string) =>
      /<Message>(.*?)</.exec((await s3.send(`GET /asked${path}${name}=${value}`)).text)?.[1]
    const noInteger = `Provided ${name} not an integer or within integer range`
    for (const wrong of ['abc', '2147483648']) assert.equal(await message(wrong), noInteger)
    assert.equal(await message('-1'), NEGATIVE.replace('maxKeys', name))
    assert.equal(await message('1'), undefined)
  }
})

test('of several mistakes in a list of versions the first is told', async () => {
  const vid = 'version-id-marker'
  const noKey = 'A version-id marker cannot be specified without a key marker.'
  const cases: [string, string | undefined, string][] = [
    [`${vid}=x&encoding-type=x&max-keys=abc`, 'max-keys', NO_INTEGER],
    [`${vid}=x&encoding-type=x`, vid, noKey],
    [`${vid}=`, vid, noKey],
    [`key-marker=&${vid}=null`, vid, noKey],
    [`key-marker=k&${vid}=&encoding-type=x`, vid, 'A version-id marker cannot be empty.'],
    ['encoding-type=x', 'encoding-type', 'Invalid Encoding Method specified in Request'],
  ]
  for (const [query, name, message] of cases) {
    assert.deepEqual(await refused(`versions&${query}`), [name, message], query)
  }
  const { status } = await s3.send(`GET /asked?versions&key-marker=k&${vid}=null`)
  assert.equal(status, 200)
})
