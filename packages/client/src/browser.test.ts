import assert from 'node:assert/strict'
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join, normalize } from 'node:path'
import test from 'node:test'
import { parseSettings } from '@holdfast/server/config/parse-settings.ts'
import { serve } from '@holdfast/server/serve.ts'
import { chromium } from 'playwright-core'
import ts from 'typescript'

const key = 'hf_browser-tests-administrator-0123456789'
const browserPath = findBrowser()
const skip = browserPath === undefined && 'no chromium in PATH'

function findBrowser(): string | undefined {
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of names) {
      try {
        accessSync(join(dir, name), constants.X_OK)
        return join(dir, name)
      } catch {
        // Not here.
      }
    }
  }
  return undefined
}

/** The sources as a browser can read them; nothing is bundled or replaced. */
async function servePage(): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname)
    if (!path.endsWith('.ts')) {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>t')
      return
    }
    const source = readFileSync(join(import.meta.dirname, path), 'utf8')
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { target: ts.ScriptTarget.ESNext, verbatimModuleSyntax: true },
    })
    response.writeHead(200, { 'content-type': 'text/javascript' }).end(outputText)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://localhost:${port}/`, close }
}

/** Runs in the page, which knows nothing of Node. */
async function inPage({ url, key }: { url: string; key: string }) {
  // The bundler of nobody: the browser loads the module itself.
  const address = '/client.ts'
  const { openClient }: typeof import('./client.ts') = await import(address)
  const { assets, presigned } = openClient({ url, key })
  const bucket = 'holdfast'
  const bytes = crypto.getRandomValues(new Uint8Array(65_536))
  const large = new Blob(Array.from({ length: 64 }, () => bytes))
  const put = await assets.put({ bucket, key: 'a/../ключ 🦭' }, large, {
    contentType: 'application/x-test',
    metadata: { größe: '🦭' },
  })
  const download = await assets.get(put.asset.id)
  const got = await download.bytes()
  const part = await assets.get(put.asset.id, { range: { first: 65_536, last: 65_545 } })
  const partBytes = await part.bytes()
  const form = await assets.upload(large, {
    filename: 'ä.bin',
    content_type: 'application/x-test',
    service: 'page',
    owner_id: '0199a7e2-7a55-7c54-b6f4-0d5f7c1d1f3a',
  })
  const missing = await assets.stat({ bucket, key: 'none' }).catch(error => ({ code: error.code }))
  const down = openClient({ url: 'http://127.0.0.1:9', retry: { waitMs: 1 } })
  const network = await down.service.info().catch(error => ({ ...error, name: error.name }))
  const link = await presigned.forDownload(put.asset.id)
  const linked = await (await presigned.get(link.url)).blob()
  const keys: string[] = []
  for await (const asset of assets.listAll({ bucket, limit: 1 })) keys.push(asset.key)
  return {
    put: put.asset,
    isEqual: got.length === large.size && bytes.every((byte, at) => got[at] === byte),
    facts: { etag: download.etag, sha256: download.sha256, size: download.size },
    part: { offset: part.offset, total: part.totalSize, isEqual: partBytes[9] === bytes[9] },
    form: form.checksum,
    missing,
    network: { name: network.name, code: 'code' in network && network.code },
    linked: linked.size,
    keys: keys.length,
  }
}

test('the client works in a browser as it is', { skip }, async t => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-browser-'))
  const { settings } = parseSettings({
    env: {
      STORAGE_PORT: '0',
      STORAGE_METRICS_PORT: '0',
      STORAGE_DATA_DIR: dir,
      STORAGE_BOOTSTRAP_API_KEY: key,
      STORAGE_RESERVED_SPACE: '0',
    },
  })
  const server = await serve({ settings, logTo: { write: () => {} } })
  const pageServer = await servePage()
  const browser = await chromium.launch({
    executablePath: browserPath ?? '',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
  t.after(async () => {
    await browser.close()
    pageServer.close()
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', error => errors.push(String(error)))
  await page.goto(pageServer.url)
  const result = await page.evaluate(inPage, { url: server.url, key })
  assert.equal(result.put.key, 'a/../ключ 🦭')
  assert.deepEqual(result.put.metadata, { größe: '🦭' })
  assert.equal(result.isEqual, true)
  const { etag, checksum: sha256 } = result.put
  assert.deepEqual(result.facts, { etag, sha256, size: 4_194_304 })
  assert.deepEqual(result.part, { offset: 65_536, total: 4_194_304, isEqual: true })
  assert.equal(result.form, sha256)
  assert.deepEqual(result.missing, { code: 'ASSET_NOT_FOUND' })
  assert.deepEqual(result.network, { name: 'ClientError', code: 'NETWORK' })
  assert.equal(result.linked, 4_194_304)
  assert.equal(result.keys, 2)
  assert.deepEqual(errors, [])
})
