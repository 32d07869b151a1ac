process.stderr.write('holdfast: not built yet\n')
process.exitCode = 1
