import { requestReset, resetByMail } from '@holdfast/engine/identity/resets/resets.ts'
import type { Operations } from '../../../http/exchange.ts'

export const resetOperations: Pick<Operations, 'forgotPassword' | 'resetPassword'> = {
  forgotPassword: async ({ context, body, request }) => {
    request.state.told = { username: body.username }
    requestReset(context.engine, { name: body.username, ip: request.state.ip })
    return undefined
  },

  resetPassword: async ({ context, call, body, request }) => {
    const given = { token: body.token, newPassword: body.new_password }
    const { id, username } = await resetByMail(context.engine, call, given)
    request.state.told = { username, user_id: id }
    return undefined
  },
}
