// Jars of Maven Central for programs in Java, brought once.
import { execFile, spawnSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../..')
const CACHE = join(ROOT, '.cache/clients')

/** What the machine lacks to run programs in Java, in words; empty when it has all. */
export function missingJava(): string {
  const absent = ['java', 'mvn'].filter((command) => spawnSync(command, ['-version']).error)
  return absent.length ? `no ${absent.join(' and no ')}` : ''
}

/** Why no program in Java is tried in this run; empty when one is. */
export const lackingJava = (): string =>
  process.env.TEST_CLIENTS === 'all' ? missingJava() : 'part of npm run test:clients'

/** The class path of MLflow's Java client, as examples/java names it. */
export const javaClient = (): Promise<string> => classPath(join(ROOT, 'examples/java/pom.xml'), 'java')

/**
 * The class path of the jars that a `pom.xml` names.
 * @param name of their folder below `.cache/clients`
 */
export async function classPath(pomFile: string, name: string): Promise<string> {
  const folder = join(CACHE, name)
  const pom = await readFile(pomFile, 'utf8')
  const mark = join(folder, 'pom.xml')
  const lib = join(folder, 'lib')
  if ((await readFile(mark, 'utf8').catch(() => '')) !== pom) {
    await mkdir(folder, { recursive: true })
    const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${lib}`, '-DoverWriteReleases=true']
    await promisify(execFile)('mvn', ['-q', '-B', '-f', pomFile, ...copy], { maxBuffer: 1e8 })
    await writeFile(mark, pom)
  }
  return join(lib, '*')
}
