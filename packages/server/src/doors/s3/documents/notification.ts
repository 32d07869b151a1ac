import { createHash } from 'node:crypto'
import type { JsonObject } from '@holdfast/core/records.ts'
import { invalidArgument } from '../errors.ts'
import { object, objects } from './kept-objects.ts'

const TARGETS = [
  { list: 'TopicConfiguration', field: 'Topic', service: 'sns' },
  { list: 'QueueConfiguration', field: 'Queue', service: 'sqs' },
  { list: 'CloudFunctionConfiguration', field: 'CloudFunction', service: 'lambda' },
] as const

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html */
const EVENTS = new Set(
  Object.entries({
    ObjectCreated: ['*', 'Put', 'Post', 'Copy', 'CompleteMultipartUpload'],
    ObjectRemoved: ['*', 'Delete', 'DeleteMarkerCreated'],
    ObjectRestore: ['*', 'Post', 'Completed', 'Delete'],
    Replication: [
      ...['*', 'OperationFailedReplication', 'OperationMissedThreshold'],
      ...['OperationReplicatedAfterThreshold', 'OperationNotTracked'],
    ],
    LifecycleExpiration: ['*', 'Delete', 'DeleteMarkerCreated'],
    ObjectTagging: ['*', 'Put', 'Delete'],
    ObjectAcl: ['*', 'Put'],
  })
    .flatMap(([kind, events]) => events.map(event => `s3:${kind}:${event}`))
    .concat('s3:TestEvent', 's3:ReducedRedundancyLostObject')
    .concat('s3:LifecycleTransition', 's3:IntelligentTiering'),
)

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html */
export function checkNotification(document: JsonObject): void {
  for (const { list, field, service } of TARGETS) {
    for (const configuration of objects(document[list])) {
      const arn = String(configuration[field])
      const [scheme, , of, , , name] = arn.split(':')
      if (scheme !== 'arn' || of !== service || !name) {
        throw invalidArgument(field, arn, 'The ARN could not be parsed')
      }
      checkFilter(object(object(configuration.Filter).S3Key).FilterRule)
      const events = Array.isArray(configuration.Event) ? configuration.Event : []
      const unknown = events.find(event => !EVENTS.has(String(event)))
      if (unknown === undefined) continue
      const message = 'A specified event is not supported for notifications.'
      throw invalidArgument('Event', String(unknown), message)
    }
  }
}

/** At most one of each, in any case of letters. */
function checkFilter(rules: unknown): void {
  const seen = new Set<string>()
  for (const { Name } of objects(rules)) {
    const written = String(Name)
    const name = written.toLowerCase()
    if (name !== 'prefix' && name !== 'suffix') {
      const message = 'filter rule name must be either prefix or suffix'
      throw invalidArgument('FilterRule.Name', written, message)
    }
    if (seen.has(name)) {
      const message = `Cannot specify more than one ${name} rule in a filter.`
      throw invalidArgument('FilterRule.Name', written, message)
    }
    seen.add(name)
  }
}

/** Whoever gave no name gets one: clients tell their configurations apart by it. */
export function withNotificationIds(document: JsonObject): JsonObject {
  const kept: Record<string, JsonObject[string]> = { ...document }
  for (const { list } of TARGETS) {
    if (document[list] === undefined) continue
    kept[list] = objects(document[list]).map((one, at) => {
      if (typeof one.Id === 'string' && one.Id !== '') return one
      const digest = createHash('sha256').update(JSON.stringify([list, at, one]))
      return { ...one, Id: digest.digest('base64url') }
    })
  }
  return kept
}
