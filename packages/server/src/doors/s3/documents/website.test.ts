import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startS3 } from '../started-s3.test.ts'

test('a site has 50 rules in 128 KiB, as AWS says', async () => {
  await using s3 = await startS3()
  assert.equal((await s3.send('PUT /sited')).status, 200)
  const site = async (rules: number, target: string) => {
    const redirect = `<Redirect><ReplaceKeyWith>${target}</ReplaceKeyWith></Redirect>`
    const all = `<RoutingRule>${redirect}</RoutingRule>`.repeat(rules)
    const index = '<IndexDocument><Suffix>i</Suffix></IndexDocument>'
    const inner = `${index}<RoutingRules>${all}</RoutingRules>`
    const body = `<WebsiteConfiguration>${inner}</WebsiteConfiguration>`
    const { status, code, text } = await s3.send('PUT /sited?website', { body })
    return [status, code, /<Message>(.*?)</.exec(text)?.[1]]
  }
  assert.deepEqual(await site(50, 'a'), [200, undefined, undefined])
  const message =
    '51 routing rules provided, the number of routing rules in a website configuration is ' +
    'limited to 50.'
  assert.deepEqual(await site(51, 'a'), [400, 'InvalidRequest', message])
  const big = [400, 'MaxMessageLengthExceeded', 'Your request was too big.']
  assert.deepEqual(await site(50, 'a'.repeat(3000)), big)
  assert.equal((await s3.send('DELETE /sited?website')).status, 204)
})
