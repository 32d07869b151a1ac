import { timeText } from './amounts.ts'

export function expiryText(expiresAt: string | null): string {
  if (expiresAt === null) return 'never'
  return Date.parse(expiresAt) <= Date.now() ? 'expired' : timeText(expiresAt)
}
