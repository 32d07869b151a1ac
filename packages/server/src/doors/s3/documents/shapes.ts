import { fields, flag, list, number, text, word } from '../xml/shape.ts'

/** More than `checkCors` takes, which says so in words. */
const CORS_RULES_READ_MAX = 1000

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CORSRule.html */
export const corsShape = fields(
  {
    CORSRule: list(
      fields(
        {
          ID: text({ pattern: /^.{0,255}$/s }),
          // What `checkCors` refuses, S3 has another code for.
          AllowedHeader: list(text({ pattern: /^[^\r\n]*$/ }), 100),
          AllowedMethod: list(text(), 10, 1),
          AllowedOrigin: list(text({ pattern: /^\S*$/ }), 100, 1),
          ExposeHeader: list(text({ pattern: /^[^\r\n]*$/ }), 100),
          MaxAgeSeconds: number(-2_147_483_648, 2_147_483_647),
        },
        'AllowedMethod',
        'AllowedOrigin',
      ),
      CORS_RULES_READ_MAX,
      1,
    ),
  },
  'CORSRule',
)

const tag = fields({ Key: text(), Value: text() }, 'Key', 'Value')
// Whether they are positive is checked later, since S3 has another code for that.
const days = number(-2_147_483_648, 2_147_483_647)
const size = number(0, Number.MAX_SAFE_INTEGER)
const when = {
  Date: text({ pattern: /^\d{4}-\d{2}-\d{2}(T[\d:.]{8,20}(Z|[+-]\d\d:\d\d)?)?$/ }),
  Days: days,
}
const storageClass = word(
  'GLACIER',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
)

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html */
export const lifecycleShape = fields(
  {
    Rule: list(
      fields(
        {
          ID: text(),
          Prefix: text(),
          Filter: fields({
            And: fields({
              Prefix: text(),
              Tag: list(tag, 10),
              ObjectSizeGreaterThan: size,
              ObjectSizeLessThan: size,
            }),
            Prefix: text(),
            Tag: tag,
            ObjectSizeGreaterThan: size,
            ObjectSizeLessThan: size,
          }),
          Status: word('Enabled', 'Disabled'),
          Transition: list(fields({ ...when, StorageClass: storageClass }, 'StorageClass'), 10),
          Expiration: fields({ ...when, ExpiredObjectDeleteMarker: flag }),
          NoncurrentVersionTransition: list(
            fields(
              {
                NoncurrentDays: days,
                NewerNoncurrentVersions: number(1, 100),
                StorageClass: storageClass,
              },
              'StorageClass',
            ),
            10,
          ),
          NoncurrentVersionExpiration: fields({
            NoncurrentDays: days,
            NewerNoncurrentVersions: number(1, 100),
          }),
          AbortIncompleteMultipartUpload: fields({ DaysAfterInitiation: days }),
        },
        'Status',
      ),
      1000,
      1,
    ),
  },
  'Rule',
)

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionConfiguration.html */
export const encryptionShape = fields(
  {
    Rule: list(
      fields({
        ApplyServerSideEncryptionByDefault: fields(
          { SSEAlgorithm: text(), KMSMasterKeyID: text() },
          'SSEAlgorithm',
        ),
        BucketKeyEnabled: flag,
        BlockedEncryptionTypes: fields({ EncryptionType: list(word('NONE', 'SSE-C'), 2) }),
      }),
      1,
      1,
    ),
  },
  'Rule',
)

const target = {
  Id: text(),
  Event: list(text(), 40, 1),
  Filter: fields({
    S3Key: fields({
      FilterRule: list(fields({ Name: text(), Value: text() }, 'Name', 'Value'), 2),
    }),
  }),
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_NotificationConfiguration.html */
export const notificationShape = fields({
  TopicConfiguration: list(fields({ ...target, Topic: text() }, 'Event', 'Topic'), 100),
  QueueConfiguration: list(fields({ ...target, Queue: text() }, 'Event', 'Queue'), 100),
  CloudFunctionConfiguration: list(
    fields({ ...target, CloudFunction: text() }, 'Event', 'CloudFunction'),
    100,
  ),
  EventBridgeConfiguration: fields({}),
})

const grantee = fields({ ID: text(), DisplayName: text(), EmailAddress: text(), URI: text() })

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_LoggingEnabled.html */
export const loggingShape = fields({
  LoggingEnabled: fields(
    {
      TargetBucket: text(),
      TargetPrefix: text(),
      // Read only to be refused by its name.
      TargetGrants: fields({ Grant: list(fields({ Grantee: grantee, Permission: text() }), 100) }),
      TargetObjectKeyFormat: fields({
        SimplePrefix: fields({}),
        PartitionedPrefix: fields(
          { PartitionDateSource: word('EventTime', 'DeliveryTime') },
          'PartitionDateSource',
        ),
      }),
    },
    'TargetBucket',
    'TargetPrefix',
  ),
})

// More than `checkWebsite` allows: S3 has another code for that.
const RULES_READ_MAX = 1000
// Which ones there are, `checkWebsite` tells: S3 has another code for that.
const protocol = text()

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_WebsiteConfiguration.html */
export const websiteShape = fields({
  ErrorDocument: fields({ Key: text() }, 'Key'),
  IndexDocument: fields({ Suffix: text() }, 'Suffix'),
  RedirectAllRequestsTo: fields({ HostName: text(), Protocol: protocol }, 'HostName'),
  RoutingRules: fields({
    RoutingRule: list(
      fields(
        {
          Condition: fields({ HttpErrorCodeReturnedEquals: text(), KeyPrefixEquals: text() }),
          Redirect: fields({
            HostName: text(),
            HttpRedirectCode: text(),
            Protocol: protocol,
            ReplaceKeyPrefixWith: text(),
            ReplaceKeyWith: text(),
          }),
        },
        'Redirect',
      ),
      RULES_READ_MAX,
    ),
  }),
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PublicAccessBlockConfiguration.html */
export const publicAccessBlockShape = fields({
  BlockPublicAcls: flag,
  IgnorePublicAcls: flag,
  BlockPublicPolicy: flag,
  RestrictPublicBuckets: flag,
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_OwnershipControls.html */
export const ownershipShape = fields(
  {
    Rule: list(
      fields(
        { ObjectOwnership: word('BucketOwnerPreferred', 'ObjectWriter', 'BucketOwnerEnforced') },
        'ObjectOwnership',
      ),
      1,
      1,
    ),
  },
  'Rule',
)

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ObjectLockConfiguration.html */
export const objectLockShape = fields({
  ObjectLockEnabled: word('Enabled'),
  Rule: fields(
    {
      DefaultRetention: fields(
        {
          Mode: word('GOVERNANCE', 'COMPLIANCE'),
          Days: number(-2_147_483_648, 2_147_483_647),
          Years: number(-2_147_483_648, 2_147_483_647),
        },
        'Mode',
      ),
    },
    'DefaultRetention',
  ),
})
