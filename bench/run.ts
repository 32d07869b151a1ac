// Measures Holdfast against nginx, itself at two sizes, its memory and a crowd.
// `npm run bench -- --help` names the options.
import { parseOptions, usage } from './options.ts'
import { isValid } from './report/bench-report.ts'
import { runBench } from './run-bench.ts'

if (process.argv.includes('--help')) {
  console.log(usage)
} else {
  const report = await runBench(parseOptions(process.argv.slice(2)), {
    print: text => console.log(text),
    say: line => console.error(line),
  })
  process.exitCode = isValid(report) ? 0 : 1
}
