import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import type { Tree } from '../access/wire.ts'

/** A token that nobody of this store has made, or made for something else. */
export interface Forged {
  readonly what: string
  readonly token: string
}

export interface Known {
  readonly access: string
  readonly refresh: string
  /** The published keys. */
  readonly jwks: Tree
  /** Of a server of the forger, which must never be asked. */
  readonly sink: string
}

const code = (value: object | string): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** RFC 8725 and what people have tried (ASVS V9.1, V9.2). */
export function forgedTokens({ access, refresh, jwks, sink }: Known): Forged[] {
  const [head = '', body = '', signature = ''] = access.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString())
  const payload = JSON.parse(Buffer.from(body, 'base64url').toString())
  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const mine = foreign.publicKey.export({ format: 'jwk' })
  const rsa = (claims: object, over: object) => {
    const text = `${code(over)}.${code(claims)}`
    return `${text}.${sign('sha256', Buffer.from(text), foreign.privateKey).toString('base64url')}`
  }
  const forged: Forged[] = [{ what: 'a refresh token', token: refresh }]
  const add = (what: string, token: string) => forged.push({ what, token })
  const algorithms = ['none', 'NONE', 'nOnE', 'None', '', 'RS384', 'RS512', 'PS256', 'PS512']
  for (const alg of [...algorithms, 'ES256', 'EdDSA', 'HS256', 'HS384', 'HS512', 'A128KW', 'dir']) {
    const over = { ...header, alg }
    add(`${alg}, no signature`, `${code(over)}.${code(payload)}.`)
    add(`${alg}, no dot`, `${code(over)}.${code(payload)}`)
    add(`${alg}, the old signature`, `${code(over)}.${code(payload)}.${signature}`)
    add(`${alg}, of another key`, rsa(payload, over))
  }
  for (const key of jwks.keys) {
    const open = createPublicKey({ key, format: 'jwk' })
    const pems = (['spki', 'pkcs1'] as const).flatMap(type => {
      const pem = String(open.export({ type, format: 'pem' }))
      return [pem, pem.trim(), pem.replaceAll('\n', '')]
    })
    for (const secret of [...pems, JSON.stringify(key), key.n, key.kid, 'secret', 'holdfast', '']) {
      for (const [alg, hash] of [
        ['HS256', 'sha256'],
        ['HS512', 'sha512'],
      ] as const) {
        const text = `${code({ ...header, alg })}.${code(payload)}`
        const mac = createHmac(hash, secret).update(text).digest('base64url')
        add(`${alg} with ${secret.slice(0, 30)}`, `${text}.${mac}`)
      }
    }
  }
  const kids = ['../../../../dev/null', '/proc/self/environ', "' OR '1'='1", 'x\u0000', '*', '%00']
  const names = ['__proto__', 'constructor', 'toString', '', 0, null, [], {}, `${sink}/jwks`]
  for (const kid of [...kids, ...names, "x' UNION SELECT 'a", header.kid]) {
    add(`kid ${JSON.stringify(kid)}`, rsa(payload, { ...header, kid }))
    const none = code({ alg: 'none', typ: 'at+jwt', kid })
    add(`none, kid ${JSON.stringify(kid)}`, `${none}.${body}.`)
  }
  const pointers = [{ jwk: mine }, { jku: `${sink}/jwks` }, { x5u: `${sink}/x5u` }, { x5c: ['A'] }]
  for (const more of [
    ...pointers,
    { crit: ['exp'] },
    { crit: ['b64'], b64: false },
    { zip: 'DEF' },
  ]) {
    add(`header ${Object.keys(more)}`, rsa(payload, { ...header, ...more }))
    add(
      `header ${Object.keys(more)}, no kid`,
      rsa(payload, { alg: 'RS256', typ: 'at+jwt', ...more }),
    )
    add(`header ${Object.keys(more)}, old`, `${code({ ...header, ...more })}.${body}.${signature}`)
  }
  const text = `${code({ ...header, alg: 'ES256' })}.${body}`
  const flat = sign('sha256', Buffer.from(text), {
    key: curve.privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  add('ES256', `${text}.${flat.toString('base64url')}`)
  for (const [claim, values] of Object.entries(changes)) {
    for (const value of values) {
      const changed = { ...payload, [claim]: value }
      add(`${claim} ${value}, old signature`, `${head}.${code(changed)}.${signature}`)
      add(`${claim} ${value}, own signature`, rsa(changed, header))
    }
  }
  for (const [what, token] of Object.entries(broken(access))) add(what, token)
  return forged.filter(({ token }) => token !== access)
}

const changes: Readonly<Record<string, readonly unknown[]>> = {
  sub: ['', '*', null, '00000000-0000-4000-8000-000000000000'],
  roles: [['ADMIN'], 'ADMIN', null],
  type: ['refresh', 'ACCESS', null],
  iss: ['elsewhere', '', null, ['holdfast']],
  aud: ['elsewhere', '', null, []],
  exp: [4_102_444_800, '9999999999', null, -1],
  nbf: [4_102_444_800, null],
  sid: ['', null, '00000000-0000-4000-8000-000000000000'],
}

/** The token itself, damaged or dressed up. */
function broken(access: string): Record<string, string> {
  const [head = '', body = '', signature = ''] = access.split('.')
  const bits = Array.from({ length: 24 }, (_, at) => {
    const place = Math.floor((at * signature.length) / 24)
    const char = signature.charAt(place) === 'A' ? 'B' : 'A'
    const cut = `${signature.slice(0, place)}${char}${signature.slice(place + 1)}`
    return [`digit ${place} of the signature`, `${head}.${body}.${cut}`]
  })
  return {
    ...Object.fromEntries(bits),
    'two signatures': `${access}.${signature}`,
    'half a signature': access.slice(0, -20),
    'no body': `${head}..${signature}`,
    'no head': `.${body}.${signature}`,
    'body and head changed places': `${body}.${head}.${signature}`,
    'a head that is no JSON': `${code('{')}.${body}.${signature}`,
    'a body that is no JSON': `${head}.${code('[]')}.${signature}`,
    'a header of 64 kB': `${code({ alg: 'RS256', x: 'x'.repeat(60_000) })}.${body}.${signature}`,
    'in plain base64': `${head}==.${body}==.${signature}==`,
    'twice over': `${access}${access}`,
  }
}
