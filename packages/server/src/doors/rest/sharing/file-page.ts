import { escapeHidden } from '@holdfast/core/escape-hidden.ts'
import type { SharedPage } from '@holdfast/engine/sharing/open-share.ts'
import { filePath } from './share-wire.ts'

/** Nothing is loaded, run, framed or sent from it. */
export const filePagePolicy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem}
body{margin:2rem auto;padding:0 1rem}
table{width:100%;border-collapse:collapse}th,td{text-align:left;padding:.4rem .6rem .4rem 0}
tr+tr{border-top:1px solid #8884}td.n,th.n{text-align:right;white-space:nowrap}
:root{color-scheme:light dark}a{overflow-wrap:anywhere}`

/** The files of a shared part of a bucket, for people: plain links, no scripts. */
export function filePage(
  { items, total, nextCursor }: SharedPage,
  { token, title, expiresAt }: { token: string; title: string; expiresAt: string },
): string {
  const rows = items.map(({ key, asset }) => {
    const name = shown(key === '' ? asset.name : key)
    const link = `<a href="${escaped(filePath(token, key))}"><bdi>${name}</bdi></a>`
    const at = asset.contentAt.slice(0, 16).replace('T', ' ')
    const size = asset.size.toLocaleString('en')
    return `<tr><td>${link}<td class="n">${size}<td class="n">${escaped(at)}`
  })
  const next = `/s/${token}?cursor=${encodeURIComponent(nextCursor ?? '')}`
  const more = nextCursor === undefined ? '' : `<p><a href="${escaped(next)}">More files</a>`
  const until = expiresAt.slice(0, 16).replace('T', ' ')
  const count = `${total.toLocaleString('en')} ${total === 1 ? 'file' : 'files'}`
  return `<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>${shown(title)}</title><style>${STYLE}</style>
<h1><bdi>${shown(title)}</bdi></h1><p>${count}, shared until ${escaped(until)} UTC</p>
<table><tr><th>File<th class="n">Bytes<th class="n">Changed (UTC)
${rows.join('\n')}
</table>${more}</html>
`
}

/**
 * A name as people may read it: what turns the reading direction or hides text is written out, or
 * `exe.gpj` looks like `jpg.exe`. Joiners belong to words and emoji.
 */
function shown(name: string): string {
  return escaped(name.replaceAll(/[^\u200c\u200d]+/g, escapeHidden))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, character => ENTITIES[character] ?? '')
}
