import { route } from '../../route.ts'
import { tokenResponse } from '../../schemas/people/identity.ts'
import { openIdQuery, openIdRedeem } from '../../schemas/people/openid.ts'

const base = '/api/v2/auth/oidc'

export const openIdRoutes = {
  beginOpenId: route({
    method: 'GET',
    path: `${base}/login`,
    getOnly: true,
    tag: 'Login',
    permission: 'open',
    summary: 'Send the browser to the OpenID provider',
    description: 'For a page: it keeps a verifier and opens this address with its challenge.',
    query: openIdQuery,
    answer: { status: 302, description: 'To the provider, with a cookie that binds the browser.' },
    errors: ['ROUTE_NOT_FOUND', 'FORBIDDEN', 'IDENTITY_UNAVAILABLE', 'TOO_MANY_REQUESTS'],
  }),
  finishOpenId: route({
    method: 'GET',
    path: `${base}/callback`,
    getOnly: true,
    tag: 'Login',
    permission: 'open',
    summary: 'Take the browser back from the OpenID provider',
    answer: { status: 302, description: 'To the page, with `#code=` that is good once, for 60 s.' },
    errors: ['ROUTE_NOT_FOUND', 'UNAUTHENTICATED', 'ACCOUNT_DISABLED', 'IDENTITY_UNAVAILABLE'],
  }),
  redeemOpenId: route({
    method: 'POST',
    path: `${base}/token`,
    tag: 'Login',
    permission: 'open',
    summary: 'Trade the code of an OpenID login for tokens',
    body: { kind: 'json', schema: openIdRedeem },
    answer: { status: 200, description: 'Tokens of a new session.', schema: tokenResponse },
    errors: ['ROUTE_NOT_FOUND', 'UNAUTHENTICATED', 'ACCOUNT_DISABLED'],
  }),
} as const
