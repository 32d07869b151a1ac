/**
 * Roles are names for sets of permissions; nothing ever asks for a role. `permissions` hold for
 * everything, `ownPermissions` only for assets that the holder owns.
 */
export interface Rights {
  readonly permissions: readonly string[]
  readonly ownPermissions: readonly string[]
}

const readAll = ['assets:read', 'versions:read', 'metadata:read', 'buckets:read']

export const roleTable = {
  ADMIN: { permissions: ['*'], ownPermissions: [] },
  OPERATOR: {
    permissions: [
      ...readAll,
      'buckets:admin',
      'quotas:admin',
      'store:admin',
      'metrics:read',
      'backups:admin',
      'lifecycle:admin',
    ],
    ownPermissions: [],
  },
  USER: {
    permissions: ['buckets:read', 'buckets:create'],
    ownPermissions: [
      'assets:read',
      'assets:write',
      'versions:read',
      'versions:write',
      'metadata:read',
      'metadata:write',
    ],
  },
  AUDITOR: { permissions: [...readAll, 'audit:view', 'audit:export'], ownPermissions: [] },
  READONLY: {
    permissions: ['buckets:read'],
    ownPermissions: ['assets:read', 'versions:read', 'metadata:read'],
  },
} as const satisfies Record<string, Rights>
/** What `buckets:create` brings in the buckets that its holder made and owns. */
export const ownBucketPermissions: readonly string[] = [
  'assets:*',
  'versions:*',
  'metadata:*',
  'buckets:read',
  'buckets:admin',
  'policy:admin',
]

export type RoleName = keyof typeof roleTable
export const roleNames = Object.keys(roleTable)

export function isRole(name: string): name is RoleName {
  return Object.hasOwn(roleTable, name)
}

/** What the roles grant together. An unknown role grants nothing. */
export function rightsOf(roles: readonly string[]): Rights {
  const known = roles.filter(isRole).map((name): Rights => roleTable[name])
  return {
    permissions: [...new Set(known.flatMap(({ permissions }) => permissions))],
    ownPermissions: [...new Set(known.flatMap(({ ownPermissions }) => ownPermissions))],
  }
}
