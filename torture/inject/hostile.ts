/** Texts that somebody somewhere has taken for something else than a name. */
export const hostileKeys: readonly string[] = [
  ...['..', '../x', '../../../../etc/passwd', 'a/../../b', './x', '/etc/passwd', '//x', 'a//b'],
  ...['..\\..\\x', 'C:\\x', '\\\\host\\share', '....//x', '..;/x', '.%2e/x', '%2e%2e%2fx', '%00'],
  ...['a/..', 'a/.', '.', ' ', ' x ', 'x.', 'x ', '~', '~root/x', '$HOME', '$(id)', '`id`', '|id'],
  ...['a\nb', 'a\rb', 'a\r\nSet-Cookie: x=1', 'a\tb', 'a\u0000b', 'a\u202egpj.exe', 'a\u010ab'],
  ...['\u00e9', 'e\u0301', '\u{1f389}', 'x'.repeat(1024), 'x'.repeat(1025), '\u00e9'.repeat(512)],
  ...['CON', 'nul.txt', 'aux', '.attr.json', 'holdfast.json', 'catalog.db', 'packs/1.tar', 'lock'],
  ...['<script>alert(1)</script>', '"><img src=x>', "'; DROP TABLE assets; --", '{{7*7}}', '%s%n'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'a&b=c', 'a?b', 'a#b', 'a+b', 'a;b'],
]

/** Texts that would end a header and begin another, if anybody let them. */
export const hostileTexts: readonly string[] = [
  ...[
    'a\rx-evil: 1',
    'a\nx-evil: 1',
    'a\r\nx-evil: 1',
    'a\r\n\r\n<script>',
    'a\u010d\u010ax-evil: 1',
  ],
  ...[
    'a"; filename="b',
    "a'; x",
    'a\\"b',
    'a;b=c',
    'a\u0000b',
    '\u0085x',
    '\u2028x',
    '%0d%0ax-evil:1',
  ],
  ...['\u{1f389}', 'x'.repeat(8192), '=?utf-8?q?=0d=0ax-evil:_1?=', '"', '<b>', ','],
]

/** Types that browsers run scripts in, and spellings of them. */
export const scriptTypes: readonly string[] = [
  ...['text/html', 'TEXT/HTML', 'text/html; charset=utf-7', 'text/html;', 'image/svg+xml'],
  ...['application/xhtml+xml', 'text/xml', 'application/xml', 'application/javascript'],
  ...['text/javascript', 'application/pdf', 'multipart/x-mixed-replace', 'message/rfc822'],
  ...['application/x-shockwave-flash', 'text/xsl', 'application/rss+xml', 'text/x-component'],
]

/** JSON that a careless reader trips over, or that changes what it is not about. */
export const hostileJson: readonly string[] = [
  ...['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}'],
  ...['{"a":{"__proto__":{"polluted":1}}}', '{"\\u005f_proto__":{"polluted":1}}', '[]', 'null'],
  ...['1', '"x"', 'true', '', '{', '{}x', '{"a":1,}', "{'a':1}", '{"a":NaN}', '{"a":1e999}'],
  ...['\ufeff{}', '{"a":"\\ud800"}', '{"a":1,"a":2}', '[[[[[[[[[[]]]]]]]]]]', '{"toString":1}'],
  ...['{"a":-0}', '{"hasOwnProperty":1}', '{"then":{}}', '{"length":-1}', '{"$where":"1"}'],
  '['.repeat(20_000),
  `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
  `{"a":"${'x'.repeat(2_000_000)}"}`,
  `{${Array.from({ length: 20_000 }, (_, n) => `"k${n}":1`).join()}}`,
]

const entity = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
const bomb =
  '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;">]>'

/** XML with what S3 has no use for: declarations, entities, depth, encodings. */
export const hostileXml: readonly (string | Buffer)[] = [
  ...[`${entity}<Tagging>&x;</Tagging>`, `${bomb}<Tagging>&d;</Tagging>`, '<!DOCTYPE a><Tagging/>'],
  ...['<Tagging>&undefined;</Tagging>', '<Tagging', '<Tagging></Taggin>', '', ' ', '<a/><b/>'],
  ...[
    '<Tagging><TagSet/></Tagging>junk',
    '<?xml version="1.1"?><Tagging/>',
    '<Tagging a="1" a="2"/>',
  ],
  ...['<?xml version="1.0" encoding="UTF-7"?><Tagging/>', '<x:Tagging/>', '<![CDATA[<Tagging/>]]>'],
  ...['<Tagging>\u0000</Tagging>', '<Tagging>&#0;</Tagging>', '<Tagging>&#x110000;</Tagging>'],
  Buffer.from('<Tagging/>', 'utf16le'),
  Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('<Tagging/>', 'utf16le')]),
  Buffer.from([0x3c, 0x61, 0xff, 0xfe, 0x3e]),
  `${'<a>'.repeat(20_000)}`,
  `<Tagging>${'<TagSet/>'.repeat(50_000)}</Tagging>`,
]

/** Parameters that a reader of queries makes something else of. */
export const hostileQueries: readonly string[] = [
  ...['__proto__=x', '__proto__[polluted]=1', 'constructor[prototype][polluted]=1', 'limit[]=1'],
  ...['limit=1&limit=2', '%00=1', 'limit=%', 'limit=1e3', '=', '&&&', 'limit=-1', 'x'.repeat(9000)],
]
