// Finds a Chromium for tests of the web UI; on machines of continuous integration, installs it.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { withLock } from './lock.ts'
import { alreadyRunning, type Candidate, type Found, firstOf } from './service.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const ELSEWHERE = [
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]
const LOCK = join(import.meta.dirname, '../../../.cache/chromium.lock')

export interface Chromium {
  command: string
}

/** CHROMIUM_PATH, else one at a usual place; with CI set, as root on Debian, one that apt-get installs. */
export const findChromium = (): Promise<Found<Chromium>> => firstOf(fromEnvironment, fromPath, fromPackage)

async function fromEnvironment(): Promise<Candidate<Chromium> | string> {
  const command = process.env.CHROMIUM_PATH
  return command ? alreadyRunning('CHROMIUM_PATH', { command }) : 'no CHROMIUM_PATH'
}

async function fromPath(): Promise<Candidate<Chromium> | string> {
  const folders = (process.env.PATH ?? '').split(':').filter(Boolean)
  const places = [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...ELSEWHERE]
  const command = places.find((place) => existsSync(place))
  return command ? alreadyRunning(command, { command }) : `no ${NAMES.join(', ')} on the PATH`
}

async function fromPackage(): Promise<Candidate<Chromium> | string> {
  const allowed = process.env.CI && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (!allowed) return 'not installed without CI=1, root and apt-get'
  const reason = await withLock(LOCK, install)
  return reason ?? fromPath()
}

async function install(): Promise<string | undefined> {
  if (typeof (await fromPath()) !== 'string') return undefined
  console.log('Installing Chromium with apt-get; this takes a minute, once.')
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 1e8,
    timeout: 600_000,
  }
  try {
    await promisify(execFile)('apt-get', ['update', '-q'], options)
    const packages = ['chromium', 'fonts-liberation']
    await promisify(execFile)(
      'apt-get',
      ['install', '-q', '-y', '--no-install-recommends', ...packages],
      options,
    )
    return undefined
  } catch (error) {
    return `apt-get does not install Chromium: ${(error as Error).message.slice(-400)}`
  }
}
