import type { Client } from '@holdfast/client'
import { UsageError } from '../../output/usage-error.ts'

type Role = Awaited<ReturnType<Client['users']['get']>>['roles'][number]

const ROLES: readonly Role[] = ['ADMIN', 'OPERATOR', 'USER', 'AUDITOR', 'READONLY']

export function roleOf(text: string): Role {
  const role = ROLES.find(one => one === text.toUpperCase())
  if (role === undefined) throw new UsageError(`${text} is no role: ${ROLES.join(', ')}`)
  return role
}
