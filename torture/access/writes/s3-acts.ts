import { signedForm } from '../s3/sign.ts'
import { type Acts, bucketAt, holder, live, nthOf, onAsset, onKey, type Scene } from './act.ts'
import { holdsContent, s3Name } from './rows.ts'
import type { Place } from './steps.ts'

const aw = 'assets:write'
const canned = ['public-read', 'private', 'authenticated-read', 'bucket-owner-full-control']

const pathOf = (scene: Scene, place: Place) => `/${bucketAt(scene, place)}/${place.key}`

/** A tag by which policies may decide, and one that is a canary. */
function tagsFor({ stage, step }: Scene): { canary: string; text: string } {
  const canary = stage.canary('tag')
  return { canary, text: `note=${canary}&color=${step.with & 2 ? 'red' : 'blue'}` }
}

/** Writes at the door of S3. */
export const s3Acts: Acts = {
  putObject(scene) {
    const { stage, person, step } = scene
    const content = stage.canary('content')
    const { canary, text } = tagsFor(scene)
    const isPlain = step.with < 4
    const headers = {
      ...(step.with & 4 ? { 'x-amz-tagging': text } : {}),
      ...(step.with === 5 ? { 'x-amz-acl': canned[step.nth % 4] ?? '' } : {}),
    }
    const asked = { method: 'PUT', path: pathOf(scene, step.at), headers, body: content }
    return {
      brings: [content, canary],
      asks: onKey(scene, step.at, aw, 'PutObject'),
      isAlone: isPlain,
      run: async () => await stage.s3(person, asked),
    }
  },

  postObject(scene) {
    const { stage, person, step } = scene
    const { pair } = person
    if (pair === undefined || pair === null) return undefined
    const content = stage.canary('content')
    const place = { bucket: bucketAt(scene, step.at), key: step.at.key, content }
    const { s3 } = stage.lab
    return {
      brings: [content],
      asks: onKey(scene, step.at, aw, 'PutObject'),
      run: async () =>
        await s3.ask(signedForm(place, { pair, host: s3.host, nowMs: stage.lab.now() })),
    }
  },

  copyObject(scene) {
    const asset = holder(scene)
    if (asset === undefined) return undefined
    const { stage, person, step } = scene
    const version = step.with & 1 ? nthOf(asset.versions, step.nth) : undefined
    const query = version === undefined ? '' : `?versionId=${s3Name(version)}`
    const headers = {
      'x-amz-copy-source': `${pathOf(scene, step.at)}${query}`,
      ...(step.with & 4 ? { 'x-amz-acl': 'public-read' } : {}),
    }
    const action = version === undefined ? 'GetObject' : 'GetObjectVersion'
    const asked = { method: 'PUT', path: pathOf(scene, step.to), headers }
    return {
      brings: [],
      asks: onAsset(scene, asset, 'assets:read', action),
      run: async () => await stage.s3(person, asked),
    }
  },

  /** Within its bucket. */
  renameObject(scene) {
    const asset = live(scene)
    const { stage, person, step } = scene
    if (asset === undefined || step.at.key === step.to.key) return undefined
    const path = pathOf(scene, { ...step.to, bucket: step.at.bucket })
    const headers = { 'x-amz-rename-source': pathOf(scene, step.at) }
    const asked = { method: 'PUT', path, query: { renameObject: '' }, headers }
    return {
      brings: [],
      asks: onAsset(scene, asset, aw, 'DeleteObject'),
      run: async () => await stage.s3(person, asked),
    }
  },

  deleteObject(scene) {
    const { stage, person, step } = scene
    const asset = holder(scene)
    if (asset === undefined || !holdsContent(asset)) return undefined
    const asked = { method: 'DELETE', path: pathOf(scene, step.at) }
    return {
      brings: [],
      asks: onKey(scene, step.at, aw, 'DeleteObject'),
      isAlone: true,
      run: async () => await stage.s3(person, asked),
    }
  },

  deleteVersion(scene) {
    const asset = holder(scene)
    const version = asset && nthOf(asset.versions, scene.step.nth)
    if (asset === undefined || version === undefined) return undefined
    const { stage, person, step } = scene
    const query = { versionId: s3Name(version) }
    const asked = { method: 'DELETE', path: pathOf(scene, step.at), query }
    return {
      brings: [],
      asks: onAsset(scene, asset, 'versions:write', 'DeleteObjectVersion'),
      isAlone: true,
      run: async () => await stage.s3(person, asked),
    }
  },

  deleteObjects(scene) {
    const asset = holder(scene)
    if (asset === undefined) return undefined
    const { stage, person, step } = scene
    const version = nthOf(asset.versions, step.nth)
    const named = version === undefined ? '' : `<VersionId>${s3Name(version)}</VersionId>`
    const object = (key: string, more: string) => `<Object><Key>${key}</Key>${more}</Object>`
    const body = `<Delete>${object(step.at.key, named)}${object(step.to.key, '')}</Delete>`
    const path = `/${bucketAt(scene, step.at)}`
    return {
      brings: [],
      asks: onAsset(scene, asset, aw, 'DeleteObject'),
      run: async () =>
        await stage.s3(person, { method: 'POST', path, query: { delete: '' }, body }),
    }
  },

  tagging(scene) {
    const asset = holder(scene)
    if (asset === undefined) return undefined
    const { stage, person, step } = scene
    const { canary } = tagsFor(scene)
    const tag = (key: string, text: string) => `<Tag><Key>${key}</Key><Value>${text}</Value></Tag>`
    const color = tag('color', step.with & 2 ? 'red' : 'blue')
    const document = `<Tagging><TagSet>${tag('note', canary)}${color}</TagSet></Tagging>`
    const version = step.with & 1 ? nthOf(asset.versions, step.nth) : undefined
    const named: Record<string, string> =
      version === undefined ? {} : { versionId: s3Name(version) }
    const isRemoval = step.with === 4
    const action = `${isRemoval ? 'Delete' : 'Put'}Object${version ? 'Version' : ''}Tagging`
    const sent = isRemoval ? { method: 'DELETE' } : { method: 'PUT', body: document }
    const asked = { ...sent, path: pathOf(scene, step.at), query: { tagging: '', ...named } }
    return {
      brings: [canary],
      asks: onAsset(scene, asset, 'metadata:write', action),
      run: async () => await stage.s3(person, asked),
    }
  },

  objectList(scene) {
    const asset = holder(scene)
    if (asset === undefined) return undefined
    const { stage, person, step } = scene
    const version = step.with & 1 ? nthOf(asset.versions, step.nth) : undefined
    const named: Record<string, string> =
      version === undefined ? {} : { versionId: s3Name(version) }
    const headers: Record<string, string> =
      step.with & 2
        ? { 'x-amz-acl': canned[step.nth % 4] ?? '' }
        : { 'x-amz-grant-read': `id="${stage.person('guest').id}"` }
    const query = { acl: '', ...named }
    const asked = { method: 'PUT', path: pathOf(scene, step.at), query, headers }
    return {
      brings: [],
      asks: onAsset(scene, asset, aw, version ? 'PutObjectVersionAcl' : 'PutObjectAcl'),
      run: async () => await stage.s3(person, asked),
    }
  },

  /** Begun, filled and completed by the same person; with 1, from what lies elsewhere. */
  multipart(scene) {
    const { stage, person, step } = scene
    const content = stage.canary('content')
    const path = pathOf(scene, step.to)
    const source: Record<string, string> =
      step.with & 1 ? { 'x-amz-copy-source': pathOf(scene, step.at) } : {}
    const run = async () => {
      const begun = await stage.s3(person, { method: 'POST', path, query: { uploads: '' } })
      const uploadId = /<UploadId>([^<]+)</.exec(begun.text)?.[1]
      if (uploadId === undefined) return begun
      const query = { uploadId, partNumber: '1' }
      const isCopy = step.with & 1
      const bytes = isCopy ? {} : { body: content }
      const part = await stage.s3(person, { method: 'PUT', path, query, headers: source, ...bytes })
      const etag = part.headers.etag ?? /<ETag>([^<]+)</.exec(part.text)?.[1]
      if (etag !== undefined && part.status === 200) {
        const about = `<PartNumber>1</PartNumber><ETag>${etag}</ETag>`
        const body = `<CompleteMultipartUpload><Part>${about}</Part></CompleteMultipartUpload>`
        const done = await stage.s3(person, { method: 'POST', path, query: { uploadId }, body })
        if (done.status === 200 && !done.text.includes('<Error>')) return done
      }
      await stage.s3(person, { method: 'DELETE', path, query: { uploadId } })
      // Something may be left of it, so it counts as neither refused nor done.
      return { ...part, status: 207, text: '' }
    }
    return { brings: [content], asks: onKey(scene, step.to, aw, 'PutObject'), run }
  },
}
