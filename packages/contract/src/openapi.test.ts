import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, errorTable } from '@holdfast/core/errors.ts'
import { codesOf, openApi } from './openapi.ts'
import type { Route } from './route.ts'
import { routes } from './routes.ts'

// JSON as it comes: the assertions look into it.
type Tree = ReturnType<typeof JSON.parse>
const document: Tree = JSON.parse(
  JSON.stringify(openApi({ version: '1.2.3', statusOf: () => 499 })),
)

function* nodes(value: unknown, at = '#'): Generator<[string, Tree]> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield [at, value as Tree]
  for (const [key, item] of Object.entries(value)) yield* nodes(item, `${at}/${key}`)
}

test('the document is OpenAPI 3.1 with what its root must have', () => {
  assert.match(document.openapi, /^3\.1\.\d+$/)
  assert.equal(document.info.title, 'Holdfast')
  assert.equal(document.info.version, '1.2.3')
  assert.ok(Object.keys(document.paths).length > 40)
})

test('whoever reads what a route needs learns what its owner needs', () => {
  const { put } = document.paths['/api/v2/buckets/{bucket}']
  assert.match(
    put.description,
    /Needs `buckets:admin`, or to own the bucket and `buckets:create`\.$/,
  )
  assert.deepEqual(
    [put['x-permission'], put['x-permission-of-owner']],
    ['buckets:admin', 'buckets:create'],
  )
  const [key, token] = ['An API key', 'an access token']
  assert.match(document.components.securitySchemes.bearer.description, RegExp(`${key}.*${token}`))
})

test('every reference points to a component, and every component is used', () => {
  const used = new Set<string>()
  for (const [at, node] of nodes(document)) {
    if (typeof node.$ref !== 'string') continue
    const name = node.$ref.replace('#/components/schemas/', '')
    assert.ok(document.components.schemas[name], `${at} -> ${node.$ref}`)
    used.add(name)
  }
  const unused = Object.keys(document.components.schemas).filter(name => !used.has(name))
  // The fields of forms are written out in the form itself.
  assert.deepEqual(unused, ['UpdateFields', 'UploadFields', 'VersionFields'])
})

test('two different schemas never share a title', () => {
  const seen = new Map<string, string>()
  for (const [, node] of nodes(Object.values<Route>(routes))) {
    if (typeof node.title !== 'string') continue
    const text = JSON.stringify(node)
    assert.equal(seen.get(node.title) ?? text, text, node.title)
    seen.set(node.title, text)
  }
  assert.ok(seen.size > 20)
})

test('path templates and path parameters agree', () => {
  for (const [path, item] of Object.entries<Tree>(document.paths)) {
    assert.match(path, /^\/([a-z0-9{}_.-]+(\/[a-z0-9{}_.-]+)*)?$/i)
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]).sort()
    for (const [method, operation] of Object.entries<Tree>(item)) {
      const named = operation.parameters
        .filter((parameter: Tree) => parameter.in === 'path')
        .map((parameter: Tree) => parameter.name)
        .sort()
      // The explorer's own files have no described parameter.
      if (path.endsWith('{file}')) continue
      assert.deepEqual(named, inPath, `${method} ${path}`)
    }
  }
})

test('parameters are unique, and have a schema and a place', () => {
  for (const [at, node] of nodes(document.paths)) {
    if (!Array.isArray(node.parameters)) continue
    const names = node.parameters.map((parameter: Tree) => `${parameter.in} ${parameter.name}`)
    assert.equal(new Set(names).size, names.length, at)
    for (const parameter of node.parameters) {
      assert.ok(['path', 'query', 'header'].includes(parameter.in), at)
      assert.equal(typeof parameter.schema, 'object', `${at} ${parameter.name}`)
    }
  }
})

test('every operation has a unique id, a known tag and described responses', () => {
  const ids = new Set<string>()
  const tags = new Set(document.tags.map((tag: Tree) => tag.name))
  for (const item of Object.values<Tree>(document.paths)) {
    for (const operation of Object.values<Tree>(item)) {
      assert.ok(!ids.has(operation.operationId), operation.operationId)
      ids.add(operation.operationId)
      assert.ok(operation.tags.every((tag: string) => tags.has(tag)))
      assert.ok(operation.summary.length > 0)
      for (const response of Object.values<Tree>(operation.responses)) {
        assert.ok(response.description.length > 0, operation.operationId)
      }
    }
  }
  assert.deepEqual([...ids].sort(), Object.keys(routes).sort())
})

test('refusals are written with their codes under the status that the door gives them', () => {
  const statusOf = (code: ErrorCode) => (errorTable[code].kind === 'missing' ? 404 : 418)
  const other: Tree = openApi({ version: '1', statusOf })
  const responses = other.paths['/api/v2/assets/{id}'].get.responses
  assert.match(responses['404'].description, /`ASSET_NOT_FOUND`/)
  assert.match(responses['418'].description, /`FORBIDDEN`/)
})

test('whatever is decided by rights may be answered that they changed meanwhile', () => {
  const silent = Object.entries<Route>(routes).filter(([, route]) => {
    return !codesOf(route).includes('CHANGED_MEANWHILE')
  })
  for (const [operationId, route] of silent) assert.equal(route.permission, 'open', operationId)
  const links = /^\/s\/|^\/api\/v2\/shared\//
  const open = silent.filter(([operationId, { path }]) => {
    return operationId === 'putLink' || links.test(path)
  })
  assert.deepEqual(open, [])
})

test('no two routes share a method and path', () => {
  const seen = new Set<string>()
  for (const route of Object.values<Route>(routes)) {
    const name = `${route.method} ${route.path}`
    assert.ok(!seen.has(name), name)
    seen.add(name)
  }
})

test('every operation tells of its limits: 429 with its codes and headers', () => {
  const statusOf = (code: ErrorCode) => (errorTable[code].kind === 'limited' ? 429 : 499)
  const { paths }: Tree = JSON.parse(JSON.stringify(openApi({ version: '1', statusOf })))
  for (const [path, item] of Object.entries<Tree>(paths)) {
    for (const { responses } of Object.values<Tree>(item)) {
      const { description, headers } = responses['429']
      assert.match(description, /`RATE_LIMITED`.*`TOO_MANY_REQUESTS`/s, path)
      assert.deepEqual(Object.keys(headers), [
        'Retry-After',
        'RateLimit-Policy',
        'RateLimit',
        'X-RateLimit-Limit',
        'X-RateLimit-Remaining',
        'X-RateLimit-Reset',
      ])
    }
  }
})
