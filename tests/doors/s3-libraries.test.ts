import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { after, before, describe, test } from 'node:test'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { Client } from 'minio'
import { accessKey, type S3Lab, secretKey, startLab } from './s3-lab.ts'

const MiB = 1024 * 1024

/** The libraries that applications use, with what each sends by itself. */
for (const tls of [false, true]) {
  describe(`libraries ${tls ? 'over TLS' : 'over plain HTTP'}`, () => {
    let lab: S3Lab
    let client: S3Client

    before(async () => {
      lab = await startLab({ tls })
      const httpsAgent = tls ? new Agent({ ca: readFileSync(lab.ca ?? '') }) : undefined
      client = new S3Client({
        endpoint: lab.url,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
        ...(httpsAgent === undefined ? {} : { requestHandler: { httpsAgent } }),
      })
      await client.send(new CreateBucketCommand({ Bucket: 'sdk-bucket' }))
    })
    after(async () => {
      client.destroy()
      await lab[Symbol.asyncDispose]()
    })

    test('the SDK of AWS puts with its checksums and reads them checked', async () => {
      const body = randomBytes(300_000)
      for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const) {
        const place = { Bucket: 'sdk-bucket', Key: `sums/${ChecksumAlgorithm}` }
        const put = await client.send(
          new PutObjectCommand({ ...place, Body: body, ChecksumAlgorithm }),
        )
        assert.ok(put[`Checksum${ChecksumAlgorithm}`])
        const got = await client.send(new GetObjectCommand({ ...place, ChecksumMode: 'ENABLED' }))
        assert.ok(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(body))
      }
    })

    test('a stream of unknown length comes in parts, in parallel', async () => {
      const chunks = Array.from({ length: 17 }, () => randomBytes(MiB))
      const stream = new ReadableStream<Uint8Array>({
        pull(controller) {
          const chunk = chunks[sent]
          sent += 1
          if (chunk === undefined) controller.close()
          else controller.enqueue(chunk)
        },
      })
      let sent = 0
      const params = { Bucket: 'sdk-bucket', Key: 'streamed', Body: stream }
      await new Upload({ client, params, partSize: 5 * MiB, queueSize: 4 }).done()
      const head = await client.send(
        new HeadObjectCommand({ Bucket: 'sdk-bucket', Key: 'streamed' }),
      )
      assert.equal(head.ContentLength, 17 * MiB)
      assert.match(head.ETag ?? '', /-4"$/)
      const got = await client.send(new GetObjectCommand({ Bucket: 'sdk-bucket', Key: 'streamed' }))
      const whole = Buffer.from((await got.Body?.transformToByteArray()) ?? [])
      assert.ok(whole.equals(Buffer.concat(chunks)))
    })

    test('presigned links put and get without a credential', async () => {
      const place = { Bucket: 'sdk-bucket', Key: 'by link/ä +.txt' }
      const up = await getSignedUrl(client, new PutObjectCommand(place), { expiresIn: 60 })
      const down = await getSignedUrl(client, new GetObjectCommand(place), { expiresIn: 60 })
      if (tls) return assert.match(up, /^https:.*X-Amz-Signature=/)
      assert.equal((await fetch(up, { method: 'PUT', body: 'linked' })).status, 200)
      assert.equal(await (await fetch(down)).text(), 'linked')
      assert.equal((await fetch(down, { method: 'DELETE' })).status, 403)
    })

    test('versions are listed and read by their ids', async () => {
      const Bucket = 'versioned-bucket'
      await client.send(new CreateBucketCommand({ Bucket }))
      const VersioningConfiguration = { Status: 'Enabled' } as const
      await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
      const ids: (string | undefined)[] = []
      for (const Body of ['one', 'two']) {
        ids.push((await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body }))).VersionId)
      }
      await client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }))
      const listed = await client.send(new ListObjectVersionsCommand({ Bucket }))
      assert.deepEqual(
        listed.Versions?.map(version => version.VersionId),
        ids.toReversed(),
      )
      assert.equal(listed.DeleteMarkers?.length, 1)
      const first = await client.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId: ids[0] }))
      assert.equal(await first.Body?.transformToString(), 'one')
      await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key: 'k' })), {
        name: 'NoSuchKey',
      })
    })

    test('the library of MinIO puts, lists, copies, composes and removes', async () => {
      const { hostname, port } = new URL(lab.url)
      const minio = new Client({
        endPoint: hostname,
        port: Number(port),
        useSSL: tls,
        accessKey,
        secretKey,
        ...(tls ? { transportAgent: new Agent({ ca: readFileSync(lab.ca ?? '') }) } : {}),
      })
      await minio.makeBucket('minio-bucket')
      assert.ok(await minio.bucketExists('minio-bucket'))
      const body = randomBytes(12 * MiB)
      await minio.putObject('minio-bucket', 'dir/a b+c', body, body.length, { 'x-amz-meta-a': 'b' })
      const stat = await minio.statObject('minio-bucket', 'dir/a b+c')
      assert.deepEqual([stat.size, stat.metaData.a], [body.length, 'b'])
      const chunks: Buffer[] = []
      for await (const chunk of await minio.getObject('minio-bucket', 'dir/a b+c'))
        chunks.push(chunk)
      assert.ok(Buffer.concat(chunks).equals(body))
      const names: (string | undefined)[] = []
      for await (const one of minio.listObjectsV2('minio-bucket', '', true)) names.push(one.name)
      assert.deepEqual(names, ['dir/a b+c'])
      if (!tls) {
        const link = await minio.presignedGetObject('minio-bucket', 'dir/a b+c', 60)
        assert.equal((await fetch(link)).status, 200)
      }
      await minio.removeObjects('minio-bucket', ['dir/a b+c'])
      await minio.removeBucket('minio-bucket')
    })
  })
}
