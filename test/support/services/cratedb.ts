// Finds and starts one CrateDB node for a test run.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { dropKeptSchemas } from '../databases.ts'
import { answers, freePort, startChild, unprivilegedUser } from './child.ts'
import { imageUnusable, startContainer } from './docker.ts'
import { type Candidate, type Found, firstOf, type Started } from './service.ts'

const IMAGE = 'crate:6.4.3'
const HEAP = '1g'
/** CrateDB 6.4 is compiled for Java 21; Java 25 is what it is shipped with. */
const OLDEST_JAVA = 21

export interface CrateDb {
  /** `cratedb://user@host:port/`, without a schema. */
  uri: string
}

/** CRATEDB_URL, else a container, else a distribution at CRATEDB_HOME or /usr/share/crate. */
export const findCrateDb = (): Promise<Found<CrateDb>> => firstOf(fromEnvironment, fromDocker, fromFolder)

async function fromEnvironment(): Promise<Candidate<CrateDb> | string> {
  const uri = process.env.CRATEDB_URL
  if (!uri) return 'no CRATEDB_URL'
  return {
    how: 'CRATEDB_URL',
    start: async () => ({ value: { uri }, stop: () => dropKeptSchemas(uri) }),
  }
}

async function fromDocker(): Promise<Candidate<CrateDb> | string> {
  const reason = await imageUnusable(IMAGE)
  if (reason) return reason
  const { Wait } = await import('testcontainers')
  const start = () =>
    startContainer(
      IMAGE,
      (container) =>
        container
          .withEnvironment({ CRATE_HEAP_SIZE: HEAP })
          .withCommand([
            'crate',
            '-Cdiscovery.type=single-node',
            '-Cpath.repo=/tmp/repositories',
            ...SETTINGS,
          ])
          .withExposedPorts(4200, 5432)
          .withWaitStrategy(Wait.forHttp('/', 4200).withStartupTimeout(180_000)),
      (started) => ({ uri: `cratedb://crate@${started.getHost()}:${started.getMappedPort(5432)}/` }),
    )
  return { how: IMAGE, start }
}

async function fromFolder(): Promise<Candidate<CrateDb> | string> {
  const home = process.env.CRATEDB_HOME || '/usr/share/crate'
  if (!existsSync(join(home, 'lib'))) return `no CrateDB at ${home}`
  const java = await findJava(home)
  if (!java) return `no Java ${OLDEST_JAVA} or newer for ${home}`
  return { how: home, start: () => startDistribution(home, java) }
}

/** The java command to use: the distribution's own, JAVA_HOME's, else the newest that is new enough. */
export async function findJava(home: string): Promise<string | undefined> {
  const installed = await readdir('/usr/lib/jvm').catch(() => [])
  const homes = [
    join(home, 'jdk'),
    process.env.JAVA_HOME,
    ...installed.map((name) => join('/usr/lib/jvm', name)),
  ]
  const commands = homes.filter((entry) => entry !== undefined).map((entry) => join(entry, 'bin', 'java'))
  let newest: { command: string; version: number } | undefined
  for (const [index, command] of [...commands, 'java'].entries()) {
    const version = await javaVersion(command)
    if (version < OLDEST_JAVA) continue
    if (index < 2) return command
    if (!newest || version > newest.version) newest = { command, version }
  }
  return newest?.command
}

/** Major version, 0 when the command does not run. */
export async function javaVersion(command: string): Promise<number> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, ['-version'])
    return Number(/version "(\d+)/.exec(stderr + stdout)?.[1] ?? 0)
  } catch {
    return 0
  }
}

// Tests make many small tables and must not fail because the disk of the machine is rather full.
const SETTINGS = [
  '-Ccluster.max_shards_per_node=100000',
  '-Ccluster.routing.allocation.disk.threshold_enabled=false',
  '-Cauth.host_based.enabled=false',
]

async function startDistribution(home: string, java: string): Promise<Started<CrateDb>> {
  const folder = await mkdtemp(join(tmpdir(), 'crateflow-cratedb-'))
  const folders = ['config', 'data', 'logs', 'tmp', 'repositories'].map((name) => join(folder, name))
  for (const path of folders) await mkdir(path)
  await writeFile(join(folder, 'config', 'crate.yml'), '')
  await copyFile(join(home, 'config', 'log4j2.properties'), join(folder, 'config', 'log4j2.properties'))
  const user = await unprivilegedUser(['crate'], [folder, ...folders])
  const [httpPort, sqlPort, transportPort] = await Promise.all([freePort(), freePort(), freePort()])
  const child = await startChild({
    command: [
      java,
      ...javaOptions(folder, await javaVersion(java)),
      // To compile as well as it can takes the two cores from the tests for minutes.
      '-XX:TieredStopAtLevel=1',
      ...['-cp', join(home, 'lib', '*'), 'io.crate.bootstrap.CrateDB'],
      ...[
        `-Cpath.home=${home}`,
        `-Cpath.conf=${join(folder, 'config')}`,
        `-Cpath.data=${join(folder, 'data')}`,
        `-Cpath.repo=${join(folder, 'repositories')}`,
      ],
      ...[`-Cpath.logs=${join(folder, 'logs')}`, '-Cnetwork.host=127.0.0.1', '-Cdiscovery.type=single-node'],
      ...[`-Chttp.port=${httpPort}`, `-Cpsql.port=${sqlPort}`, `-Ctransport.tcp.port=${transportPort}`],
      ...SETTINGS,
    ],
    logFile: join(folder, 'crate.log'),
    cwd: folder,
    user,
    ready: () => answers(`http://127.0.0.1:${httpPort}/`),
  })
  const stop = async () => {
    await child.kill()
    await rm(folder, { recursive: true, force: true })
  }
  return { value: { uri: `cratedb://crate@127.0.0.1:${sqlPort}/` }, stop }
}

/** Options of the Java process that keeps its temporary files below `folder`. */
export function javaOptions(folder: string, version: number, heap = HEAP): string[] {
  return [
    ...[`-Xms${heap}`, `-Xmx${heap}`, '-XX:+UseG1GC', '-Dfile.encoding=UTF-8', '-Djava.awt.headless=true'],
    ...[
      `-Djava.io.tmpdir=${join(folder, 'tmp')}`,
      '-Dlog4j.shutdownHookEnabled=false',
      '-Dlog4j2.disable.jmx=true',
    ],
    ...['--enable-native-access=ALL-UNNAMED', '--add-modules', 'jdk.incubator.vector'],
    ...(version >= 24 ? ['--sun-misc-unsafe-memory-access=allow'] : []),
  ]
}
