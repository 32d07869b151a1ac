import { S3Error } from '@holdfast/server/doors/s3/errors.ts'
import { readXml, type XmlElement } from '@holdfast/server/doors/s3/xml/read.ts'
import { writeXml, type XmlNode } from '@holdfast/server/doors/s3/xml/write.ts'
import { chunkSeeds, chunkWords, runChunks } from './chunked-bodies.ts'
import { type FuzzTarget, Mismatch, requireSame, texts } from './fuzz-target.ts'
import { runSignatures, signatureSeeds } from './signatures.ts'

const depthMax = 16

/** What arrives at the S3 door: requests that are signed, bodies in chunks, documents. */
export const s3Targets: readonly FuzzTarget[] = [
  {
    name: 'S3 signatures',
    modules: ['s3/auth/canonical.ts', 's3/wire/query.ts', 's3/wire/uri.ts', 's3/wire/headers.ts'],
    seeds: signatureSeeds,
    words: ['%2F', '%20', '+', '&', '=', '//', '/../', '~', 'ü', 'x-amz-meta-', '  ', 'uploads'],
    run: input => refusable(() => runSignatures(input)),
  },
  {
    name: 'S3 chunks',
    modules: ['s3/auth/chunks.ts'],
    seeds: chunkSeeds,
    words: chunkWords,
    run: input => refusable(() => runChunks(input)),
  },
  {
    name: 'S3 documents',
    modules: ['s3/xml/read.ts', 's3/xml/write.ts'],
    seeds: texts(
      '<Delete><Quiet>true</Quiet><Object><Key>a&amp;b</Key></Object></Delete>',
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
        '<TagSet><Tag><Key>k&#xFC;</Key><Value><![CDATA[<v>]]></Value></Tag></TagSet></Tagging>',
      '<!DOCTYPE a [<!ENTITY b "c">]><Delete><Object><Key>&b;</Key></Object></Delete>',
      '<Grant xmlns:xsi="x"><Grantee xsi:type="Group"><URI>u</URI></Grantee></Grant>',
    ),
    words: [
      '<!DOCTYPE ',
      '<!ENTITY ',
      '&a;',
      '&#0;',
      '&#xD800;',
      '<a>',
      '</a>',
      '<![CDATA[',
      ']]>',
    ],
    run: input => refusable(() => runDocument(input)),
  },
]

/** A refusal with a code of S3 is an answer, no crash. */
async function refusable(run: () => void | Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof S3Error) || error.code === 'InternalError') throw error
  }
}

/** What is taken has no doctype, is not deep, and comes out of our own writer the same again. */
function runDocument(input: Uint8Array): void {
  const root = readXml(input, rootOf(input))
  const text = Buffer.from(input).toString()
  if (/<!DOCTYPE/.test(text.replaceAll(/<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>/gs, ''))) {
    throw new Mismatch('a doctype was taken')
  }
  if (depthOf(root) > depthMax) throw new Mismatch(`${depthOf(root)} levels were taken`)
  const bare = withoutAttributes(root)
  const [name, content] = nodeOf(bare)
  const again = withoutAttributes(readXml(Buffer.from(writeXml(name, content, '')), bare.name))
  requireSame(again, bare, 'document')
}

/** Whatever the root is called, so that documents are judged by their form. */
function rootOf(input: Uint8Array): string {
  const [, name = ''] =
    /<(?:[^\s<>/!?:]*:)?([^\s<>/!?:]+)/.exec(
      Buffer.from(input)
        .toString()
        .replaceAll(/<!--.*?-->|<\?.*?\?>/gs, ''),
    ) ?? []
  return name
}

function depthOf({ children }: XmlElement): number {
  return 1 + Math.max(0, ...children.map(depthOf))
}

interface Bare {
  readonly name: string
  readonly text: string
  readonly children: readonly Bare[]
}

/** Text between elements has no place in our writer, and none in documents of S3. */
function withoutAttributes({ name, text, children }: XmlElement): Bare {
  return {
    name,
    text: children.length === 0 ? text.replaceAll(/\r\n?/g, '\n') : '',
    children: children.map(withoutAttributes),
  }
}

function nodeOf({ name, text, children }: Bare): XmlNode {
  return [name, children.length === 0 ? text : children.map(nodeOf)]
}
