import type { Catalog, CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset } from '@holdfast/core/records.ts'

/** Catalogs that are wrong in one thing each, by the name of the test that must notice. */
export const catalogMutants: Record<string, (catalog: Catalog) => Catalog> = {
  'C1: increments without a transaction': catalog =>
    withWrite(catalog, async (name, args, options) => {
      if (name !== 'increment') return await catalog.write(name, args, options)
      const asset = await catalog.view.assets.byId(String(args))
      if (asset === undefined) return await catalog.write(name, args, options)
      const count = Number(asset.metadata.count ?? 0) + 1
      const record = { ...asset, metadata: { ...asset.metadata, count }, seq: 0 }
      const note = { do: 'note', change: { what: 'asset.updated', assetId: asset.id } }
      await catalog.write('script', [{ do: 'asset', record }, note], options)
      return count
    }),
  'C3: keeps what failed': catalog =>
    withWrite(catalog, async (name, args, options) => {
      if (name !== 'script' || !Array.isArray(args)) return await catalog.write(name, args, options)
      const fails = args.some(step => step.do === 'refuse' || step.do === 'throw')
      if (!fails) return await catalog.write(name, args, options)
      const rest = args.filter(step => step.do !== 'refuse' && step.do !== 'throw')
      await catalog.write(name, rest, options)
      return await catalog.write(name, args, options)
    }),
  'C4: remembers an absent key': catalog => {
    const absent = new Set<string>()
    return withView(catalog, view => ({
      assets: {
        ...view.assets,
        async byKey(bucketId, key) {
          const asset = absent.has(bucketId) ? undefined : await view.assets.byKey(bucketId, key)
          if (asset === undefined) absent.add(bucketId)
          return asset
        },
        byId: id => view.assets.byId(id),
      },
    }))
  },
  'C5: reads the latest instead of one moment': catalog => ({
    ...plain(catalog),
    read: async questions => await questions(catalog.view),
  }),
  'C6: leaves out a change': catalog =>
    withView(catalog, view => ({
      changes: {
        after: async (seq, limit) =>
          (await view.changes.after(seq, limit)).filter(change => change.seq !== 6),
        ofAsset: query => view.changes.ofAsset(query),
        stretch: query => view.changes.stretch(query),
        latest: () => view.changes.latest(),
      },
    })),
  'C8 the same bytes: counts them twice': catalog =>
    withView(catalog, view => ({
      quotas: {
        get: (scope, name) => view.quotas.get(scope, name),
        list: () => view.quotas.list(),
        async usage(scope, name) {
          const usage = await view.quotas.usage(scope, name)
          return { ...usage, bytes: scope === 'owner' ? usage.bytes * 2 : usage.bytes }
        },
      },
    })),
  'C9: tells only the new key': catalog => ({
    ...plain(catalog),
    watch: watcher =>
      catalog.watch(touched => watcher({ ...touched, assets: touched.assets.slice(-1) })),
  }),
  'every mix: loses one of a prefix': catalog =>
    withAssets(catalog, (assets, filter) =>
      filter.keyPrefix?.startsWith('A') ? assets.slice(1) : assets,
    ),
  'pages of any size: the last one is lost': catalog =>
    withAssets(catalog, (assets, query) => (query.limit === 7 ? assets.slice(0, 6) : assets)),
  'by key: comes in UTF-16 order': catalog =>
    withAssets(catalog, (assets, query) =>
      query.afterKey === undefined
        ? assets
        : [...assets].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)),
    ),
  'hostile search text: reaches the engine': catalog =>
    withAssets(catalog, (assets, query) => {
      if (query.search?.includes('"""')) throw new Error('fts5: syntax error')
      return assets
    }),
}

interface AnyQuery {
  readonly keyPrefix?: string
  readonly afterKey?: string
  readonly limit: number
  readonly search?: string
}

function withAssets(
  catalog: Catalog,
  change: (assets: Asset[], query: AnyQuery) => Asset[],
): Catalog {
  return withView(catalog, ({ assets }) => ({
    assets: {
      byId: id => assets.byId(id),
      byKey: (bucketId, key) => assets.byKey(bucketId, key),
      list: async (query, giveWay) => change(await assets.list(query, giveWay), query),
      count: (filter, giveWay) => assets.count(filter, giveWay),
      isLong: filter => assets.isLong(filter),
      stats: (filter, giveWay) => assets.stats(filter, giveWay),
    },
  }))
}

function withView(catalog: Catalog, change: (view: CatalogView) => Partial<CatalogView>): Catalog {
  const changed = (view: CatalogView): CatalogView => ({ ...view, ...change(view) })
  return {
    ...plain(catalog),
    view: changed(catalog.view),
    read: async questions => await catalog.read(async view => await questions(changed(view))),
  }
}

function withWrite(catalog: Catalog, write: Catalog['write']): Catalog {
  return { ...plain(catalog), write }
}

function plain(catalog: Catalog): Catalog {
  return {
    traits: catalog.traits,
    view: catalog.view,
    read: questions => catalog.read(questions),
    write: (name, args, options) => catalog.write(name, args, options),
    watch: watcher => catalog.watch(watcher),
    probe: () => catalog.probe(),
    [Symbol.asyncDispose]: () => catalog[Symbol.asyncDispose](),
  }
}
