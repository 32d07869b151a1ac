import { fileURLToPath } from 'node:url'
import { openApi } from '@holdfast/contract/openapi.ts'
import { type ErrorCode, errorTable, HoldfastError } from '@holdfast/core/errors.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import { type Operations, sent } from '../../http/exchange.ts'
import { explorerPolicy } from '../../http/security-headers.ts'
import { fixedJson } from '../../http/send-json.ts'
import { version } from '../../version.ts'
import { statusOf } from './statuses.ts'

type Names = 'getOpenApi' | 'getDocs' | 'getDocsFile' | 'listErrors'

const sendDocument = fixedJson(openApi({ version, statusOf }))

/** Addresses are relative, so that the page also works behind a path prefix. */
const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdfast API</title>
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<main id="explorer"></main>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/explorer.js"></script>
</body>
</html>
`

const starter = `const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', follow)
follow()
SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#explorer',
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
  tryItOutEnabled: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
})
`

const files: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

export const descriptionOperations: Pick<Operations, Names> = {
  getOpenApi: async ({ reply }) => {
    reply.header('cache-control', 'no-cache')
    await sendDocument(reply)
    return sent
  },

  getDocs: async ({ reply }) => {
    reply.header('content-security-policy', explorerPolicy).header('cache-control', 'no-cache')
    await reply.type('text/html; charset=utf-8').send(page)
    return sent
  },

  getDocsFile: async ({ reply, request, context }) => {
    const name = request.url.split('?', 1)[0]?.split('/docs/')[1] ?? ''
    reply.header('cache-control', 'public, max-age=3600')
    if (name === 'explorer.js') {
      await reply.type('text/javascript; charset=utf-8').send(starter)
      return sent
    }
    const type = Object.hasOwn(files, name) ? files[name] : undefined
    if (type === undefined) throw new HoldfastError('ROUTE_NOT_FOUND')
    await reply.type(type).send(await shippedFile(context.disk, name))
    return sent
  },

  listErrors: async () => ({
    errors: Object.entries(errorTable).flatMap(([code, entry]) => {
      return isCode(code) ? [{ code, status: statusOf(code), ...entry }] : []
    }),
  }),
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code)
}

const loaded = new Map<string, Buffer>()

/** Only names of the table above come here, so nobody chooses a path. */
async function shippedFile(disk: Disk, name: string): Promise<Buffer> {
  const known = loaded.get(name)
  if (known !== undefined) return known
  const path = fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`))
  const file = await disk.openAsync(path, 'read')
  try {
    const bytes = Buffer.alloc(await file.size())
    let at = 0
    while (at < bytes.length) {
      const read = await file.read(bytes.subarray(at), at)
      if (read === 0) break
      at += read
    }
    loaded.set(name, bytes)
    return bytes
  } finally {
    await file.close()
  }
}
