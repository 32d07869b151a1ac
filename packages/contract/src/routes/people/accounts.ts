import { route } from '../../route.ts'
import {
  accountCreate,
  accountList,
  accountListQuery,
  accountParams,
  accountResponse,
  accountUpdate,
  accountWithSecret,
  clientTokenResponse,
  secretCreate,
  secretParams,
  tokenRequest,
} from '../../schemas/people/account.ts'

const all = '/api/v2/service-accounts'
const one = '/api/v2/service-accounts/{id}'
const guarded = { tag: 'Service accounts', permission: 'admin:users' } as const

export const accountRoutes = {
  issueToken: route({
    method: 'POST',
    path: '/api/v2/auth/token',
    tag: 'Login',
    permission: 'open',
    summary: 'Token of a service account: OAuth 2.0 client credentials',
    description:
      'RFC 6749 §4.4, as form or JSON. Refusals also carry `error` and `error_description` ' +
      '(§5.2). Refresh tokens (§6) only where the settings have them, since the secret gets the ' +
      'next token (§4.4.3). They are good once, and for who has the secret.',
    body: { kind: 'json', schema: tokenRequest, alsoForm: true },
    answer: { status: 200, description: 'An access token.', schema: clientTokenResponse },
    errors: [
      'UNAUTHENTICATED',
      'FORBIDDEN',
      'ACCOUNT_DISABLED',
      'SECRET_EXPIRED',
      'GRANT_TYPE_UNSUPPORTED',
      'GRANT_INVALID',
      'SCOPE_INVALID',
    ],
  }),
  listAccounts: route({
    ...guarded,
    method: 'GET',
    path: all,
    summary: 'List service accounts; deleted ones only by their status',
    query: accountListQuery,
    answer: { status: 200, description: 'A page.', schema: accountList },
  }),
  createAccount: route({
    ...guarded,
    method: 'POST',
    path: all,
    summary: 'Create a service account, with its first secret',
    description: 'Nobody can give it more than they hold themselves.',
    body: { kind: 'json', schema: accountCreate },
    answer: { status: 201, description: 'The account.', schema: accountWithSecret },
    errors: ['CONFIRMATION_REQUIRED', 'ACCOUNT_EXISTS'],
  }),
  getAccount: route({
    ...guarded,
    method: 'GET',
    path: one,
    summary: 'Get a service account, without secrets',
    params: accountParams,
    answer: { status: 200, description: 'The account.', schema: accountResponse },
    errors: ['ACCOUNT_NOT_FOUND'],
  }),
  updateAccount: route({
    ...guarded,
    method: 'PUT',
    path: one,
    summary: 'Change, suspend or activate a service account',
    params: accountParams,
    body: { kind: 'json', schema: accountUpdate },
    answer: { status: 200, description: 'The account.', schema: accountResponse },
    errors: ['CONFIRMATION_REQUIRED', 'ACCOUNT_NOT_FOUND', 'ACCOUNT_PROTECTED'],
  }),
  removeAccount: route({
    ...guarded,
    method: 'DELETE',
    path: one,
    summary: 'Delete a service account; the record stays',
    params: accountParams,
    answer: { status: 204, description: 'Deleted, and out at once.' },
    errors: ['ACCOUNT_NOT_FOUND', 'ACCOUNT_PROTECTED'],
  }),
  rotateSecret: route({
    ...guarded,
    method: 'POST',
    path: `${one}/secrets`,
    summary: 'Make the next secret; those before it end after the overlap',
    params: accountParams,
    body: { kind: 'json', schema: secretCreate, optional: true },
    answer: { status: 201, description: 'With the secret.', schema: accountWithSecret },
    errors: ['CONFIRMATION_REQUIRED', 'ACCOUNT_NOT_FOUND', 'TOO_MANY_ITEMS'],
  }),
  removeSecret: route({
    ...guarded,
    method: 'DELETE',
    path: `${one}/secrets/{secret_id}`,
    summary: 'End a secret, and all tokens that were issued for it',
    params: secretParams,
    answer: { status: 204, description: 'Ended at once.' },
    errors: ['ACCOUNT_NOT_FOUND', 'SECRET_NOT_FOUND'],
  }),
} as const
