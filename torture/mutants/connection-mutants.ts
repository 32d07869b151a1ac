import type { Mutant } from './mutants.ts'

const http = 'packages/server/src/http'

/** What a client that leaves in the middle ends, or leaves behind. */
export const connectionMutants: readonly Mutant[] = [
  {
    name: 'tunnel-unheard',
    edits: [
      {
        in: `${http}/open-http.ts`,
        find: /socket\.on\('error', [^\n]+\.on\('timeout', [^\n]+/,
        put: '',
      },
    ],
    hunts: ['connections:as it comes'],
  },
  {
    name: 'tunnel-unanswered',
    edits: [
      {
        in: `${http}/open-http.ts`,
        find: /server\.on\('connect', (?=\(\{ socket \})/,
        put: "server.on('nobody', ",
      },
    ],
    hunts: ['connections:as it comes'],
  },
  {
    name: 'place-never-given-back',
    edits: [
      {
        in: `${http}/limits/admission.ts`,
        find: /response\.once\('close'/,
        put: "response.once('finish'",
      },
    ],
    hunts: ['connections:with places'],
  },
  {
    name: 'at-work-for-ever',
    edits: [
      {
        in: `${http}/record-request.ts`,
        find: /response\.once\('close'(?=, \(\) => \{\n\s+load\.active -= 1)/,
        put: "response.once('finish'",
      },
    ],
    hunts: ['connections:as it comes'],
  },
  {
    name: 'cut-body-at-work-for-ever',
    edits: [
      {
        in: `${http}/direct/quick/quick-connections.ts`,
        find: /\.on\('close', this\.#giveUp\)/,
        put: '',
      },
    ],
    hunts: ['connections:as it comes'],
  },
  {
    name: 'shakes-hands-again',
    edits: [{ in: `${http}/certificate.ts`, find: /constants\.SSL_OP_NO_RENEGOTIATION/, put: '0' }],
    hunts: ['test:packages/server/src/http/certificate.test.ts'],
  },
]
