// Loaded into each test file and its threads: what was compiled once in this run is not stripped
// and compiled again. By its folder's name alone it would also reach servers that tests start,
// which compile with other flags of V8, and each would throw away what the other kept.
import module from 'node:module'

const dir = process.env.HOLDFAST_TEST_CACHE
if (dir !== undefined) module.enableCompileCache(dir)
