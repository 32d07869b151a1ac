import {
  type Act,
  type Acts,
  bucketAt,
  formOf,
  found,
  holder,
  live,
  nthOf,
  onAsset,
  onKey,
} from './act.ts'

const aw = 'assets:write'
const vw = 'versions:write'

const remove =
  (isHard: boolean): Act =>
  scene => {
    const asset = found(scene)
    if (asset === undefined) return undefined
    const { stage, person } = scene
    const query = isHard ? '?hard_delete=true' : ''
    const path = `/api/v2/assets/${asset.id}${query}`
    return {
      brings: [],
      asks: onAsset(scene, asset, aw, 'DeleteObject'),
      isAlone: !isHard,
      run: async () => await stage.rest(person, { method: 'DELETE', path }),
    }
  }

/** Writes at the door of REST. */
export const restActs: Acts = {
  put(scene) {
    const { stage, person, step } = scene
    const content = stage.canary('content')
    const tag = step.with & 1 ? stage.canary('tag') : undefined
    const query = tag === undefined ? '' : `?tags=${tag}`
    const path = `/api/v2/buckets/${bucketAt(scene, step.at)}/assets/${step.at.key}${query}`
    return {
      brings: tag === undefined ? [content] : [content, tag],
      asks: onKey(scene, step.at, aw, 'PutObject'),
      isAlone: tag === undefined,
      run: async () =>
        await stage.rest(person, { method: 'PUT', path, body: Buffer.from(content) }),
    }
  },

  content(scene) {
    const asset = found(scene)
    if (asset === undefined) return undefined
    const { stage, person } = scene
    const content = stage.canary('content')
    const path = `/api/v2/assets/${asset.id}/content`
    return {
      brings: [content],
      asks: onAsset(scene, asset, aw, 'PutObject'),
      run: async () =>
        await stage.rest(person, { method: 'PUT', path, body: Buffer.from(content) }),
    }
  },

  upload(scene) {
    const { stage, person, step } = scene
    const content = stage.canary('content')
    const ownerId = person.id === 'anonymous' ? stage.person('guest').id : person.id
    const bucket = bucketAt(scene, step.at)
    const about = { filename: 'a.txt', content_type: 'text/plain', service: 'wr' }
    const form = formOf({ ...about, owner_id: ownerId, bucket, key: step.at.key }, content)
    return {
      brings: [content],
      asks: onKey(scene, step.at, aw, 'PutObject'),
      run: async () =>
        await stage.rest(person, { method: 'POST', path: '/api/v2/assets/upload', ...form }),
    }
  },

  newVersion(scene) {
    const asset = found(scene)
    if (asset === undefined) return undefined
    const { stage, person } = scene
    const content = stage.canary('content')
    const path = `/api/v2/assets/${asset.id}/versions`
    return {
      brings: [content],
      asks: onAsset(scene, asset, vw, 'PutObject'),
      run: async () => await stage.rest(person, { method: 'POST', path, ...formOf({}, content) }),
    }
  },

  /** Tags, metadata or access list, by what is asked along. */
  update(scene) {
    const asset = found(scene)
    if (asset === undefined) return undefined
    const { stage, person, step } = scene
    const tag = stage.canary('tag')
    const note = stage.canary('note')
    const everybody = { read: [person.id, stage.person('nobody').id, 'anonymous'], write: [] }
    const bodies = [{ tags: [tag] }, { metadata: { note } }, { acl: everybody }, { acl: null }]
    const path = `/api/v2/assets/${asset.id}`
    return {
      brings: [tag, note],
      asks: onAsset(scene, asset, aw, 'PutObject'),
      run: async () =>
        await stage.rest(person, { method: 'PUT', path, body: bodies[step.with % 4] }),
    }
  },

  metadata(scene) {
    const asset = found(scene)
    if (asset === undefined) return undefined
    const { stage, person } = scene
    const note = stage.canary('note')
    const path = `/api/v2/assets/${asset.id}/metadata`
    return {
      brings: [note],
      asks: onAsset(scene, asset, 'metadata:write', 'PutObject'),
      run: async () => await stage.rest(person, { method: 'PUT', path, body: { note } }),
    }
  },

  remove: remove(false),
  removeHard: remove(true),

  removeTwo(scene) {
    const assets = [...scene.rows.assets.values()]
    const pair = [nthOf(assets, scene.step.nth), nthOf(assets, scene.step.with)]
    const [asset] = pair
    if (asset === undefined) return undefined
    const { stage, person } = scene
    const ids = [...new Set(pair.flatMap(each => each?.id ?? []))]
    const path = '/api/v2/assets/batch-delete'
    return {
      brings: [],
      asks: onAsset(scene, asset, aw, 'DeleteObject'),
      run: async () => await stage.rest(person, { method: 'POST', path, body: { ids } }),
    }
  },

  restore(scene) {
    const asset = found(scene)
    if (asset === undefined || asset.deletedAt === null) return undefined
    const { stage, person } = scene
    const path = `/api/v2/assets/${asset.id}/restore`
    return {
      brings: [],
      asks: onAsset(scene, asset, aw, 'PutObject'),
      run: async () => await stage.rest(person, { method: 'PUT', path }),
    }
  },

  copy(scene) {
    const asset = live(scene)
    if (asset === undefined) return undefined
    const { stage, person, step } = scene
    const path = `/api/v2/assets/${asset.id}/copy`
    const owner = step.with & 1 || person.id === 'anonymous' ? {} : { owner_id: person.id }
    const body = { bucket: bucketAt(scene, step.to), key: step.to.key, ...owner }
    return {
      brings: [],
      asks: onAsset(scene, asset, 'assets:read', 'GetObject'),
      run: async () => await stage.rest(person, { method: 'POST', path, body }),
    }
  },

  move(scene) {
    const asset = live(scene)
    if (asset === undefined) return undefined
    const { stage, person, step } = scene
    const path = `/api/v2/assets/${asset.id}/move`
    const body = { bucket: bucketAt(scene, step.to), key: step.to.key }
    return {
      brings: [],
      asks: onAsset(scene, asset, aw, 'DeleteObject'),
      run: async () => await stage.rest(person, { method: 'POST', path, body }),
    }
  },

  removeVersion(scene) {
    const asset = holder(scene)
    const version = asset && nthOf(asset.versions, scene.step.nth)
    if (asset === undefined || version === undefined) return undefined
    const { stage, person } = scene
    const path = `/api/v2/assets/${asset.id}/versions/${version.number}`
    return {
      brings: [],
      asks: onAsset(scene, asset, vw, 'DeleteObjectVersion'),
      isAlone: true,
      run: async () => await stage.rest(person, { method: 'DELETE', path }),
    }
  },

  rollback(scene) {
    const asset = found(scene)
    const version = asset && nthOf(asset.versions, scene.step.nth)
    if (asset === undefined || version === undefined) return undefined
    const { stage, person } = scene
    const path = `/api/v2/assets/${asset.id}/versions/${version.number}/rollback`
    return {
      brings: [],
      asks: onAsset(scene, asset, vw, 'PutObject'),
      run: async () => await stage.rest(person, { method: 'POST', path }),
    }
  },

  prune(scene) {
    const asset = found(scene)
    if (asset === undefined) return undefined
    const { stage, person } = scene
    const path = `/api/v2/assets/${asset.id}/versions/prune`
    const body = { dry_run: false, versions_max: 1 }
    return {
      brings: [],
      asks: onAsset(scene, asset, vw, 'DeleteObjectVersion'),
      run: async () => await stage.rest(person, { method: 'POST', path, body }),
    }
  },

  tagVersion(scene) {
    const asset = found(scene)
    const version = asset && nthOf(asset.versions, scene.step.nth)
    if (asset === undefined || version === undefined) return undefined
    const { stage, person } = scene
    const name = stage.canary('tag')
    const path = `/api/v2/assets/${asset.id}/versions/${version.number}/tags`
    return {
      brings: [name],
      asks: onAsset(scene, asset, vw, 'PutObjectVersionTagging'),
      run: async () => await stage.rest(person, { method: 'POST', path, body: { name } }),
    }
  },
}
