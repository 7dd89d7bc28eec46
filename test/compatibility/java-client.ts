// The Java client of Maven Central, as examples/java names it.
import { execFile, spawnSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../..')
const POM = join(ROOT, 'examples/java/pom.xml')
const FOLDER = join(ROOT, '.cache/clients/java')

/** What the machine lacks to run the client, in words; empty when it has all. */
export function missingJava(): string {
  const absent = ['java', 'mvn'].filter((command) => spawnSync(command, ['-version']).error)
  return absent.length ? `no ${absent.join(' and no ')}` : ''
}

/** The class path of the client's jars, which Maven brings once. */
export async function javaClassPath(): Promise<string> {
  const pom = await readFile(POM, 'utf8')
  const mark = join(FOLDER, 'pom.xml')
  const lib = join(FOLDER, 'lib')
  if ((await readFile(mark, 'utf8').catch(() => '')) !== pom) {
    await mkdir(FOLDER, { recursive: true })
    const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${lib}`, '-DoverWriteReleases=true']
    await promisify(execFile)('mvn', ['-q', '-B', '-f', POM, ...copy], { maxBuffer: 1e8 })
    await writeFile(mark, pom)
  }
  return join(lib, '*')
}
