import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { getAsset } from '../../assets/get.ts'
import { removeAsset } from '../../assets/remove.ts'
import { updateAsset } from '../../assets/update.ts'
import { anonymousCall, callOf, openTestStore, owner, put, refused } from '../../test-store.test.ts'
import { authenticateKey, createKey, revokeKey } from '../keys/keys.ts'
import { sealLink, unsealLink } from './link-token.ts'
import { openLink, presignDownload, presignUpload } from './presign.ts'

async function withIssuer(permissions: string[]) {
  const opened = await openTestStore()
  const { engine, call } = opened
  const { asset } = await put(opened, 'a.txt', 'hello')
  const { key, secret } = await createKey(engine, call, { name: 'issuer', permissions })
  const issuer = { ...call, principal: await authenticateKey(engine, secret) }
  const grant = { bucket: 'photos', key: 'up.txt', sizeMax: 10, service: 'test', ownerId: owner }
  return {
    ...opened,
    asset,
    key,
    issuer,
    grant,
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}

describe('presigned links', () => {
  it('pin what they are for', async () => {
    await using set = await withIssuer(['assets:*'])
    const { engine, asset, issuer } = set
    const down = await presignDownload(engine, issuer, { assetId: asset.id, version: 1 })
    const opened = await openLink(engine, down.token, 'GET')
    assert.equal(opened.principal.kind, 'link')
    assert.equal(opened.principal.id, issuer.principal.id)
    assert.ok(opened.link.method === 'GET')
    assert.deepEqual([opened.link.assetId, opened.link.version], [asset.id, 1])
    assert.equal(Date.parse(down.expiresAt), set.clock.now() + 3600_000)

    const up = await presignUpload(engine, issuer, { ...set.grant, contentType: 'text/plain' })
    const { link } = await openLink(engine, up.token, 'PUT')
    assert.ok(link.method === 'PUT')
    const { exp: _, iss: __, bucketId: ___, ...pinned } = link
    assert.deepEqual(pinned, { method: 'PUT', ...set.grant, contentType: 'text/plain' })
  })

  it('serve their method only', async () => {
    await using set = await withIssuer(['assets:*'])
    const { engine, asset, issuer } = set
    const down = await presignDownload(engine, issuer, { assetId: asset.id })
    const up = await presignUpload(engine, issuer, set.grant)
    await openLink(engine, down.token, 'HEAD')
    for (const method of ['PUT', 'DELETE', 'POST', 'get', '']) {
      await assert.rejects(openLink(engine, down.token, method), refused('LINK_INVALID'))
    }
    for (const method of ['GET', 'HEAD', 'DELETE', 'POST']) {
      await assert.rejects(openLink(engine, up.token, method), refused('LINK_INVALID'))
    }
  })

  it('end at their time', async () => {
    await using set = await withIssuer(['assets:*'])
    const { engine, asset, issuer, clock } = set
    const wanted = { assetId: asset.id, expiresInS: 60 }
    const { token } = await presignDownload(engine, issuer, wanted)
    await clock.advance(59_999)
    await openLink(engine, token, 'GET')
    await clock.advance(1)
    await assert.rejects(openLink(engine, token, 'GET'), refused('LINK_INVALID'))
    for (const expiresInS of [59, 86_401, 1.5, Number.NaN, -60]) {
      const wrong = presignDownload(engine, issuer, { assetId: asset.id, expiresInS })
      await assert.rejects(wrong, refused('VALIDATION_ERROR'))
    }
  })

  it('are for no longer than any is made for, whoever signed them', async () => {
    await using set = await withIssuer(['assets:*'])
    const { engine, asset, issuer } = set
    const wanted = { assetId: asset.id, expiresInS: 86_400 }
    const { token } = await presignDownload(engine, issuer, wanted)
    const { link } = await openLink(engine, token, 'GET')
    const until = (exp: unknown) =>
      sealLink({ ...link, exp } as typeof link, engine.settings.linkSecret)
    // Made before the clock was set back by less than an hour.
    await openLink(engine, until(link.exp + 3600), 'GET')
    for (const exp of [link.exp + 3601, link.exp * 2, 1e300, Number.NaN, 'never', null]) {
      await assert.rejects(openLink(engine, until(exp), 'GET'), refused('LINK_INVALID'), `${exp}`)
    }
  })

  it('end with the key of their issuer', async () => {
    await using set = await withIssuer(['assets:*'])
    const { engine, asset, issuer, call, key } = set
    const { token } = await presignDownload(engine, issuer, { assetId: asset.id })
    await revokeKey(engine, call, key.id)
    await assert.rejects(openLink(engine, token, 'GET'), refused('LINK_INVALID'))
  })

  it('reach no further than their issuer does when they are used', async () => {
    await using set = await withIssuer(['assets:*'])
    const { engine, asset, issuer, call } = set
    const { token } = await presignDownload(engine, issuer, { assetId: asset.id })
    const { principal } = await openLink(engine, token, 'GET')
    const bearer = { ...call, principal }
    await getAsset(engine, bearer, asset.id)
    await updateAsset(engine, call, asset.id, { acl: { read: ['other'], write: [] } })
    await assert.rejects(getAsset(engine, bearer, asset.id), refused('ASSET_NOT_FOUND'))
  })

  it('are not given for what the issuer may not do, nor by links, nor to nobody', async () => {
    await using set = await withIssuer(['assets:read'])
    const { engine, asset, issuer, call } = set
    await assert.rejects(presignUpload(engine, issuer, set.grant), refused('FORBIDDEN'))
    const link = { ...call, principal: { ...call.principal, kind: 'link' as const } }
    const wanted = { assetId: asset.id }
    await assert.rejects(presignDownload(engine, link, wanted), refused('FORBIDDEN'))
    await assert.rejects(presignDownload(engine, anonymousCall, wanted), refused('UNAUTHENTICATED'))
    const stranger = callOf({ permissions: ['assets:*'], buckets: ['other'] })
    await assert.rejects(presignDownload(engine, stranger, wanted), refused('ASSET_NOT_FOUND'))
    await assert.rejects(
      presignDownload(engine, issuer, { ...wanted, version: 2 }),
      refused('VERSION_NOT_FOUND'),
    )
    await removeAsset(engine, call, asset.id)
    await assert.rejects(presignDownload(engine, issuer, wanted), refused('ASSET_NOT_FOUND'))
  })

  it('respect the access list of the asset whose key they would overwrite', async () => {
    await using set = await withIssuer(['assets:write'])
    const { engine, issuer, call } = set
    const acl = { read: [], write: ['other'] }
    await put(set, 'guarded.txt', 'mine', { acl })
    const grant = { ...set.grant, key: 'guarded.txt' }
    const { token } = await presignUpload(engine, issuer, grant)
    const { principal } = await openLink(engine, token, 'PUT')
    const overwritten = put({ engine, call: { ...call, principal } }, 'guarded.txt', 'theirs')
    await assert.rejects(overwritten, refused('FORBIDDEN'))
    await presignUpload(engine, call, grant)
  })
})

describe('the token of a link', () => {
  const secret = new Uint8Array(32).fill(7)
  const payload = {
    method: 'GET',
    assetId: 'an-asset',
    version: null,
    exp: 2_000_000_000,
    iss: { kind: 'api_key', id: 'a-key' },
  } as const
  const token = sealLink(payload, secret)

  it('gives back its payload', () => {
    assert.deepEqual(unsealLink(token, secret), payload)
  })

  it('is refused when any one character differs, is missing or is added', () => {
    let tried = 0
    for (let at = 0; at < token.length; at += 1) {
      for (const other of ['A', 'B', '-', '_', '.', '=', '']) {
        const altered = token.slice(0, at) + other + token.slice(at + 1)
        if (altered === token) continue
        assert.equal(unsealLink(altered, secret), undefined, altered)
        tried += 1
      }
      assert.equal(unsealLink(`${token.slice(0, at)}A${token.slice(at)}`, secret), undefined)
    }
    assert.ok(tried > 1000)
  })

  it('is refused under another secret, and in shapes that are none', () => {
    assert.equal(unsealLink(token, new Uint8Array(32).fill(8)), undefined)
    const [body = '', seal = ''] = token.split('.')
    const shapes = ['', '.', body, `${body}.`, `.${seal}`, `${token}.`, `${token}.${seal}`]
    for (const shape of [...shapes, `${seal}.${body}`, `${token}=`, 'A'.repeat(100_000)]) {
      assert.equal(unsealLink(shape, secret), undefined, shape.slice(0, 50))
    }
  })
})
