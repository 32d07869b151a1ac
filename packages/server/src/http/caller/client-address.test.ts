import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientAddress, networkProblem, proxyList } from './client-address.ts'

const trusted = proxyList(['10.0.0.0/8', '::1', '192.0.2.1'])

test('the caller is the first address from the end that is no proxy of ours', () => {
  for (const [remote, forwarded, expected] of [
    ['203.0.113.5', undefined, '203.0.113.5'],
    ['203.0.113.5', '1.1.1.1', '203.0.113.5'],
    ['10.1.2.3', undefined, '10.1.2.3'],
    ['10.1.2.3', '198.51.100.7', '198.51.100.7'],
    ['10.1.2.3', '1.1.1.1, 198.51.100.7', '198.51.100.7'],
    ['10.1.2.3', '1.1.1.1, 198.51.100.7, 10.9.9.9, 192.0.2.1', '198.51.100.7'],
    ['10.1.2.3', '1.1.1.1, not-an-address', '10.1.2.3'],
    ['10.1.2.3', '1.1.1.1,, 10.0.0.1', '10.0.0.1'],
    ['::ffff:10.1.2.3', '::ffff:198.51.100.7', '198.51.100.7'],
    ['::1', '2001:db8::7', '2001:db8::7'],
    ['10.1.2.3', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['10.1.2.3', "198.51.100.7' OR 1=1", '10.1.2.3'],
    ['10.1.2.3', '1.1.1.1, 198.51.100.7:4711', '198.51.100.7'],
    ['10.1.2.3', '[2001:db8::7]:4711, 10.0.0.1:80', '2001:db8::7'],
    ['10.1.2.3', '[2001:db8::7]', '2001:db8::7'],
    ['10.1.2.3', '::FFFF:198.51.100.7', '198.51.100.7'],
    ['10.1.2.3', '::ffff:c633:6407', '198.51.100.7'],
    ['10.1.2.3', '[::ffff:c633:6407]:4711', '198.51.100.7'],
    ['::ffff:a01:203', '1.1.1.1, 198.51.100.7, ::ffff:a09:909', '198.51.100.7'],
    ['10.1.2.3', '1.1.1.1, [198.51.100.7', '10.1.2.3'],
    ['10.1.2.3', '1.1.1.1, 198.51.100.7:x', '10.1.2.3'],
    ['10.1.2.3', '2001:db8::7%eth0', '2001:db8::7'],
    ['10.1.2.3', `1.1.1.1, fe80::7%${'z'.repeat(4000)}`, 'fe80::7'],
    ['10.1.2.3', '1.1.1.1, 198.51.100.7%eth0', '10.1.2.3'],
    ['10.1.2.3', '198.51.100.7, ::ffff:10.9.9.9%eth0', '198.51.100.7'],
    ['fe80::7%eth0', undefined, 'fe80::7'],
    [undefined, '1.1.1.1', ''],
  ] as const) {
    assert.equal(clientAddress({ remote, forwarded }, trusted), expected, `${remote} ${forwarded}`)
  }
  const twice = ['1.1.1.1', '198.51.100.7']
  assert.equal(clientAddress({ remote: '10.0.0.1', forwarded: twice }, trusted), '198.51.100.7')
})

test('a proxy may be named as the IPv6 address that stands for it', () => {
  const mapped = proxyList(['::ffff:a00:0/104', '::ffff:192.0.2.1'])
  const told = (remote: string) => clientAddress({ remote, forwarded: '198.51.100.7' }, mapped)
  for (const proxy of ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.1', '::ffff:c000:201']) {
    assert.equal(told(proxy), '198.51.100.7', proxy)
  }
  assert.deepEqual([told('11.0.0.1'), told('192.0.2.2')], ['11.0.0.1', '192.0.2.2'])
})

test('networks are addresses with an optional size', () => {
  for (const good of ['10.0.0.1', '10.0.0.0/8', '::1', '2001:db8::/32']) {
    assert.equal(networkProblem(good), undefined, good)
  }
  for (const bad of ['', 'localhost', '10.0.0.0/33', '10.0.0.0/x', '10.0.0.0/8/8', '::/129']) {
    assert.notEqual(networkProblem(bad), undefined, bad)
  }
})
