import type { Place, Setting, Step } from './steps.ts'

const a: Place = { bucket: 0, key: 'a' }
const x: Place = { bucket: 0, key: 'p/x' }

const write = (who: string, act: string, at: Place, to = at): Step => ({
  ...{ who, act, at, to, nth: 0, with: 0 },
})

const set = (at: Place, setting: Setting, more = 0): Step => ({
  ...{ who: 'administrator', act: 'settings', at, to: at, nth: 0, with: more, set: setting },
})

const put = { kind: 'put', owner: 'owner', acl: null, isS3: false } as const

/** Ends that stories had once: told again in every run, since chance may need many of them. */
export const toldBefore: Readonly<Record<string, readonly Step[]>> = {
  'a rename takes a key from what holds it': [
    set(a, put, 4),
    write('putter', 'putObject', x),
    write('putter', 'renameObject', x, a),
  ],
  'a form takes a key from what a marker hides': [
    set(a, put, 4),
    write('writer', 'remove', a),
    write('writer', 'upload', a),
  ],
  'who may write removes old versions for good': [set(a, put, 4), write('writer', 'removeHard', a)],
  'a restore shows what was replaced': [
    set(a, { kind: 'bucket', body: { public_read: true } }),
    set(a, put, 6),
    write('writer', 'remove', a),
    write('writer', 'restore', a),
  ],
  'a restore shows what a null marker uncovered': [
    set(a, { kind: 'bucket', body: { public_read: true } }),
    set(a, put, 6),
    write('putter', 'deleteObject', a),
    write('writer', 'restore', a),
  ],
}
