import { join } from 'node:path'
import { openSmtpSink } from '@holdfast/testkit/smtp-sink.ts'
import { openLab } from '../../access/open-lab.ts'
import type { Program } from '../../runner/program.ts'
import { initialPassword, smtpPassword, spill } from '../../secrets/spill.ts'
import { spillOutside } from '../../secrets/spill-outside.ts'

const minimum = { answers: 110, 'log lines': 110, files: 10, outputs: 22, settings: 9 }

export const program: Program = {
  id: 'T13',
  name: 'secrets',
  summary: 'every kind of secret is used and misused, and then looked for in all that came of it',
  secondsMax: { short: 120, long: 120 },
  minimum: { short: minimum, long: minimum },
  async run(run) {
    await using sink = await openSmtpSink({ login: { user: 'holdfast', pass: smtpPassword } })
    const env = {
      STORAGE_SMTP_HOST: '127.0.0.1',
      STORAGE_SMTP_PORT: String(sink.port),
      STORAGE_SMTP_TLS: 'none',
      STORAGE_SMTP_USERNAME: 'holdfast',
      STORAGE_SMTP_PASSWORD: smtpPassword,
      STORAGE_MAIL_FROM: 'holdfast@example.org',
      STORAGE_PASSWORD_RESET_URL: 'https://files.example.org/reset',
      STORAGE_ACCOUNT_REFRESH_TOKENS: 'on',
      STORAGE_LOG_LEVEL: 'trace',
      STORAGE_DEBUG: 'on',
      STORAGE_AUDIT_DATA_CHANGES: 'on',
      STORAGE_INITIAL_ADMIN_USERNAME: 'first',
      STORAGE_INITIAL_ADMIN_PASSWORD: initialPassword,
    }
    await using lab = await openLab(join(run.scratch, 'data'), { env })
    await spill(run, lab, sink)
    await spillOutside(run)
  },
}
