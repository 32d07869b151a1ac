import type { ModelAsset, ModelBucket, ModelState } from './model-state.ts'
import type { StoreUnderModel } from './store-under-model.ts'

export interface Place {
  readonly bucket: ModelBucket
  readonly key: string
}

/** What a command was drawn with; the asset is one of those there are when it runs. */
export interface Drawn {
  readonly place: Place
  readonly body: number
  readonly asset: ModelAsset | undefined
  readonly other: ModelAsset | undefined
  readonly number: number
}

/** Does one thing to the store and the model; answers the asset that is worth a look now. */
export type Act = (
  both: { readonly model: ModelState; readonly real: StoreUnderModel },
  drawn: Drawn,
) => Promise<ModelAsset | undefined>
