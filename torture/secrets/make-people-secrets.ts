import { type Answer, type Asked, jsonOf, type Tree } from '../access/wire.ts'
import type { Canaries } from './canaries.ts'

interface Given {
  readonly canaries: Canaries
  ask(asked: Asked, except?: readonly string[]): Promise<Answer>
  post(path: string, body: Tree): Asked
}

const sharePassword = 'Share-Canary-Password-5!'

/** Of share links, programs and keys of S3 over REST: told once, found in nothing else. */
export async function makePeopleSecrets({ canaries, ask, post }: Given): Promise<void> {
  const target = { bucket: 'holdfast', prefix: '' }
  canaries.add({ name: 'share password', secret: sharePassword })
  const share = jsonOf(await ask(post('/api/v2/shares', { ...target, password: sharePassword })))
  const token: string = new URL(share.url).pathname.split('/').at(-1) ?? ''
  canaries.add({ name: 'share token', secret: token })
  for (const password of [sharePassword, 'Wrong-Canary-Share-6!']) {
    const authorization = `Basic ${Buffer.from(`:${password}`).toString('base64')}`
    // The address that was asked for may be repeated to who asked.
    await ask({ method: 'GET', path: `/s/${token}`, headers: { authorization } }, ['share token'])
  }
  await ask({ method: 'GET', path: '/api/v2/shares', headers: post('', {}).headers ?? {} })
  const account = jsonOf(await ask(post('/api/v2/service-accounts', { name: 'spiller' })))
  canaries.add({ name: 'client secret', secret: account.client_secret })
  const pair = jsonOf(await ask(post('/api/v2/s3/keys', { name: 's', permissions: ['*'] })))
  canaries.add({ name: 'S3 secret of REST', secret: pair.secret })
}
