import Type, { type Static } from 'typebox'
import { nullable, time } from './fields.ts'

export const serviceInfo = Type.Object(
  {
    service: Type.String(),
    version: Type.String(),
    environment: Type.String(),
    status: Type.Literal('running'),
    docs: Type.String({ description: 'Where the interface is explained.' }),
  },
  { title: 'ServiceInfo' },
)
export type ServiceInfo = Static<typeof serviceInfo>

const status = Type.Enum(['ready', 'degraded', 'not_ready'], {
  description: '`degraded`: reads work, something else does not.',
})

const check = Type.Enum(['up', 'degraded', 'down', 'disabled'])

export const checks = Type.Object(
  { database: check, storage: check, disk: check, redis: check, audit: check },
  { title: 'HealthChecks' },
)

export const dependency = Type.Object(
  {
    status: check,
    critical: Type.Boolean(),
    latency_ms: nullable(Type.Number({ minimum: 0 })),
    reason: Type.String({ description: 'One sentence for people.' }),
  },
  { title: 'HealthDependency' },
)

export const health = Type.Object(
  {
    status,
    service: Type.String(),
    version: Type.String(),
    environment: Type.String(),
    uptime: Type.Number({ minimum: 0, description: 'Seconds.' }),
    time: time('Same as `timestamp`.'),
    timestamp: time('When this answer was made.'),
    checked_at: nullable(time('When the background check last ran.')),
    checks,
    components: Type.Record(Type.String(), dependency),
  },
  { title: 'Health' },
)
export type Health = Static<typeof health>

export const readiness = Type.Object(
  {
    status,
    service: Type.String(),
    timestamp: time('When this answer was made.'),
    checks,
    dependencies: Type.Record(Type.String(), dependency),
  },
  { title: 'Readiness' },
)
export type Readiness = Static<typeof readiness>

export const liveness = Type.Object(
  {
    status: Type.Literal('alive'),
    service: Type.String(),
    uptime: Type.Number({ minimum: 0 }),
    timestamp: time('When this answer was made.'),
  },
  { title: 'Liveness' },
)
export type Liveness = Static<typeof liveness>

export const startup = Type.Object(
  {
    status: Type.Enum(['started', 'starting']),
    service: Type.String(),
    timestamp: time('When this answer was made.'),
  },
  { title: 'Startup' },
)
export type Startup = Static<typeof startup>
