import { run } from './run.ts'

// A reader that went away, as in `holdfast ls | head`, is no failure.
process.stdout.on('error', error => {
  process.exit('code' in error && error.code === 'EPIPE' ? 0 : 1)
})

process.exitCode = await run(process.argv.slice(2))
