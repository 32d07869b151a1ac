import { spawnSync } from 'node:child_process'

const packagesOfPrograms = { nginx: 'nginx', wrk: 'wrk' }
export type Program = keyof typeof packagesOfPrograms

export function isInstalled(program: Program): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0
}

/** Installs through apt what is missing, where that is possible; answers what is missing still. */
export function installPrograms(programs: readonly Program[]): Program[] {
  const missing = programs.filter(program => !isInstalled(program))
  if (missing.length === 0 || process.getuid?.() !== 0) return missing
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const packages = missing.map(program => packagesOfPrograms[program])
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages]
  console.error(`bench: installing ${packages.join(', ')} through apt`)
  if (spawnSync('apt-get', install, { stdio: 'ignore', env }).status !== 0) {
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore', env })
    spawnSync('apt-get', install, { stdio: 'ignore', env })
  }
  return missing.filter(program => !isInstalled(program))
}
