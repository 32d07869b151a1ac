import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressKey, networkKey, plainAddress } from './address-key.ts'

test('an IPv4 address is one caller, an IPv6 address is its /64', () => {
  for (const [address, key] of [
    ['203.0.113.5', '203.0.113.5'],
    ['', ''],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:0:0:0:1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:1::', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
    ['::2:3:4:5:6:7:8', '0:2:3:4::/64'],
    ['::ffff:cb00:7105', '203.0.113.5'],
    ['::ffff:203.0.113.5', '203.0.113.5'],
  ] as const) {
    assert.equal(addressKey(address), key, address)
  }
})

test('a network is a /24 or a /48', () => {
  const cases = [
    ['192.0.2.77', '192.0.2.0/24'],
    ['2001:db8:1:2::3', '2001:db8:1::/48'],
    ['2001:db8::3', '2001:db8:0::/48'],
    ['::1', '0:0:0::/48'],
    ['::ffff:c000:24d', '192.0.2.0/24'],
  ] as const
  for (const [address, key] of cases) assert.equal(networkKey(address), key, address)
})

test('an IPv6 address that stands for an IPv4 one is that one, however it is spelt', () => {
  for (const mapped of [
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::FFFF:7F00:0001',
    '0:0:0:0:0:ffff:127.0.0.1',
    '0000:0000:0000:0000:0000:ffff:7f00:0001',
    '0::ffff:7f00:1',
    '0:0::0:ffff:127.0.0.1',
    '::ffff:7f00:1%lo',
  ]) {
    assert.equal(plainAddress(mapped), '127.0.0.1', mapped)
  }
  assert.equal(plainAddress('::ffff:0:0'), '0.0.0.0')
  assert.equal(plainAddress('::ffff:ffff:ffff'), '255.255.255.255')
  for (const other of [
    '',
    '127.0.0.1',
    '::1',
    '::127.0.0.1',
    '::ffff:7f00',
    '::ffff:7f00:1:0',
    '::ffff:0:7f00:1',
    'ffff::7f00:1',
    '64:ff9b::7f00:1',
    '2001:db8::ffff:7f00:1',
    '2001:db8:0:0:0:ffff:7f00:1',
  ]) {
    assert.equal(plainAddress(other), other, other)
  }
})
