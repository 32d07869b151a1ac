import { password } from '../../people.ts'
import type { Row } from '../row.ts'
import { rules } from '../rules.ts'

const proof = { username: 'nobody', password, code: '000000' }
// They carry a credential of their own, and the one of the caller is not looked at.
const open = { rule: rules.open, also: [401, 423], once: true } as const

export const factorRows = {
  loginWithCode: { ...open, ask: () => ({ json: { challenge: 'none', code: '000000' } }) },
  beginSecondFactor: { ...open, ask: () => ({ json: { username: 'nobody', password } }) },
  confirmSecondFactor: { ...open, ask: () => ({ json: proof }) },
  disableSecondFactor: { ...open, ask: () => ({ json: proof }) },
  renewRecoveryCodes: { ...open, ask: () => ({ json: proof }) },
  forgotPassword: { ...open, ask: () => ({ json: { username: 'nobody' } }), also: [503] },
  resetPassword: {
    ...open,
    ask: () => ({ json: { token: 'none', new_password: `${password}-5` } }),
    also: [401, 403, 404, 422],
  },
  removeUserSecondFactor: {
    rule: rules.administrators,
    prepare: async ({ lab }) => {
      factors += 1
      const user = { username: `mx-factor-${factors}`, password, roles: [] }
      return { id: (await lab.must('POST', '/api/v2/users', user)).id }
    },
    ask: ({ made: { id = '' } }) => ({ params: { id } }),
    // The user has none that could be taken off.
    also: [404, 409],
    once: true,
  },
} as const satisfies Record<string, Row>

let factors = 0
