import type { Grant, GrantPermission, ObjectAcl } from '@holdfast/core/objects.ts'
import { invalidArgument, S3Error } from '../errors.ts'
import { ownerNode } from '../listing/owner-nodes.ts'
import {
  childOf,
  childrenOf,
  readXml,
  requiredText,
  requireOnly,
  textOf,
  type XmlElement,
} from '../xml/read.ts'
import { writeXml, type XmlNode } from '../xml/write.ts'
import { grantsMax, groups, LOG_DELIVERY } from './acl-headers.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html */
const XSI = 'http://www.w3.org/2001/XMLSchema-instance'
const TYPES = ['CanonicalUser', 'AmazonCustomerByEmail', 'Group']
const PERMISSIONS: readonly GrantPermission[] = [
  'READ',
  'WRITE',
  'READ_ACP',
  'WRITE_ACP',
  'FULL_CONTROL',
]

/**
 * Groups come first: AWS promises no order, and clients that sort grants by the name of the grantee
 * cannot compare one without a name to one that has some unless it leads the list.
 */
export function writeAcl({ owner, grants }: ObjectAcl): string {
  const ofGroups = grants.filter(({ grantee }) => groupOf(grantee) !== undefined)
  const others = grants.filter(({ grantee }) => groupOf(grantee) === undefined)
  return writeXml('AccessControlPolicy', [
    ownerNode(owner),
    ['AccessControlList', [...ofGroups, ...others].map(grantNode)],
  ])
}

function grantNode({ permission, grantee }: Grant): XmlNode {
  return [
    'Grant',
    [
      ['Grantee', granteeContent(grantee)],
      ['Permission', permission],
    ],
  ]
}

function granteeContent(grantee: Grant['grantee']): XmlNode[1] {
  const uri = groupOf(grantee)
  if (uri !== undefined || typeof grantee === 'string') {
    return { attributes: { 'xmlns:xsi': XSI, 'xsi:type': 'Group' }, nodes: [['URI', uri]] }
  }
  return {
    attributes: { 'xmlns:xsi': XSI, 'xsi:type': 'CanonicalUser' },
    nodes: [
      ['ID', grantee.id],
      ['DisplayName', grantee.id],
    ],
  }
}

function groupOf(grantee: Grant['grantee']): string | undefined {
  if (typeof grantee !== 'string') return grantee.id === LOG_DELIVERY ? LOG_DELIVERY : undefined
  return Object.entries(groups).find(([, group]) => group === grantee)?.[0]
}

/** The ACL of a body, of whomever it names as its owner. */
export function readAcl(bytes: Uint8Array): ObjectAcl {
  const root = wellFormed(bytes)
  const named = childOf(root, 'Owner')
  const id = named === undefined ? undefined : textOf(named, 'ID')
  if (id === undefined || id === '') throw new S3Error('MalformedACLError')
  const list = childOf(root, 'AccessControlList')
  if (list === undefined) throw new S3Error('MalformedACLError')
  const grants = childrenOf(list, 'Grant').map(grantOf)
  if (grants.length > grantsMax) throw new S3Error('MalformedACLError')
  return { owner: id, grants }
}

function wellFormed(bytes: Uint8Array): XmlElement {
  try {
    const root = readXml(bytes, 'AccessControlPolicy')
    requireOnly(root, 'Owner', 'AccessControlList')
    for (const list of childrenOf(root, 'AccessControlList')) requireOnly(list, 'Grant')
    return root
  } catch (error) {
    throw new S3Error('MalformedACLError', {}, { cause: error })
  }
}

function grantOf(grant: XmlElement): Grant {
  const grantee = childOf(grant, 'Grantee')
  const permission = PERMISSIONS.find(known => known === requiredText(grant, 'Permission'))
  if (grantee === undefined || permission === undefined) throw new S3Error('MalformedACLError')
  const type = grantee.attributes['xsi:type']
  if (type !== undefined && !TYPES.includes(type)) throw new S3Error('MalformedACLError')
  const uri = textOf(grantee, 'URI')
  if (uri !== undefined) {
    const group = Object.hasOwn(groups, uri) ? groups[uri] : undefined
    if (group === undefined) throw invalidArgument('Group/URI', uri, 'Invalid group uri')
    return { permission, grantee: group }
  }
  if (textOf(grantee, 'EmailAddress') !== undefined) {
    throw new S3Error('UnresolvableGrantByEmailAddress')
  }
  const id = textOf(grantee, 'ID')
  if (id === undefined || id === '') throw new S3Error('MalformedACLError')
  return { permission, grantee: { id } }
}
