// Jars of Maven Central for programs in Java, brought once.
import { execFile, spawnSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const CACHE = join(import.meta.dirname, '../../.cache/clients')

/** Why no program in Java can be tried in this run; empty when one can. */
export function lackingJava(): string {
  if (process.env.TEST_CLIENTS !== 'all') return 'part of npm run test:clients'
  const absent = ['java', 'mvn'].filter((command) => spawnSync(command, ['-version']).error)
  return absent.length ? `no ${absent.join(' and no ')}` : ''
}

/**
 * The folder with the jars that a `pom.xml` names.
 * @param name of their folder below `.cache/clients`
 */
export async function jarsOf(pomFile: string, name: string): Promise<string> {
  const folder = join(CACHE, name)
  const pom = await readFile(pomFile, 'utf8')
  const mark = join(folder, 'pom.xml')
  const lib = join(folder, 'lib')
  if ((await readFile(mark, 'utf8').catch(() => '')) === pom) return lib
  await mkdir(folder, { recursive: true })
  const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${lib}`, '-DoverWriteReleases=true']
  await promisify(execFile)('mvn', ['-q', '-B', '-f', pomFile, ...copy], { maxBuffer: 1e8 })
  await writeFile(mark, pom)
  return lib
}
