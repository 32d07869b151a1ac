import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '@holdfast/contract/route.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { isGuess } from './guesses.ts'

test('every open route that takes a password or a code is limited for who guesses', () => {
  const remembered = /"username":\{.*"password":\{|"password":\{.*"username":\{|"code":\{/
  const guesses = Object.entries<Route>(routes).filter(([, route]) => isGuess(route))
  const names = guesses.map(([name]) => name)
  assert.ok(['login', 'refresh', 'changePassword'].every(name => names.includes(name)))
  for (const [name, route] of Object.entries<Route>(routes)) {
    if (route.permission !== 'open' || route.body?.kind !== 'json') continue
    if (!remembered.test(JSON.stringify(route.body.schema))) continue
    assert.ok(isGuess(route), `${name} does not say UNAUTHENTICATED`)
  }
})
