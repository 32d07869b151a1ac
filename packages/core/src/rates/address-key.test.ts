import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressKey, networkKey } from './address-key.ts'

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
  ] as const
  for (const [address, key] of cases) assert.equal(networkKey(address), key, address)
})
