// Enforces the order of wings and floors: a wing knows no other, a file imports only from lower floors, drivers stay in their rooms.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const SRC = join(import.meta.dirname, '../../src')
const LONGEST_FILE = 400
const LONGEST_APP = 120

interface Source {
  path: string
  text: string
  /** Files of ours as paths below src, packages as their names. */
  imports: string[]
}

const IMPORT =
  /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|^import\s+'([^']+)'/gm

function readSource(path: string): Source {
  const text = readFileSync(join(SRC, path), 'utf8')
  const imports = [...text.matchAll(IMPORT)].map(([, from, dynamic, bare]) => {
    const target = from ?? dynamic ?? bare ?? ''
    return target.startsWith('.') ? relative(SRC, join(SRC, dirname(path), target)) : target
  })
  return { path, text, imports }
}

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort()
  .map(readSource)

const WINGS = ['tracking', 'artifacts', 'registry', 'genai', 'lifecycle', 'web', 'moving']
/** Wings that no server has: commands join them. */
const JOINED_BY: Record<string, string> = { moving: 'cli/moving.ts' }

/**
 * What a wing may read of another one besides platform: tables for joins, messages that its own ones hold. Everything else that
 * it needs is a function or a narrow type that app.ts hands in.
 */
const ACROSS: [from: RegExp, to: RegExp, why: string][] = [
  [
    /^web\/graphql\//,
    /^(tracking|registry|artifacts)\/(.*\/)?schema\.ts$/,
    "GraphQL answers REST's messages",
  ],
  [
    /^moving\//,
    /^(tracking|registry|genai)\/.*[/.](tables|schema|ids|months)\.ts$|^registry\/model-registry\/tag-values\.store\.ts$/,
    'rows of all wings are moved as they lie in their tables',
  ],
]

const ROOT_FLOORS: Record<string, number> = {
  'errors.ts': 0,
  'events.ts': 0,
  'package.ts': 0,
  'settings.ts': 0,
  'config.ts': 0,
  'client-config.ts': 0,
  'tracing-config.ts': 0,
  'webhook-config.ts': 0,
  'app.ts': 6,
  'main.ts': 6,
}
const FLOORS: [RegExp, number][] = [
  [/^platform\/(wire\/|(active-request|active-span|concurrency|measures|polling|turns)\.ts$)/, 0],
  [/^platform\/.*[.]store\.ts$/, 2],
  [/^platform\/(search|database)\/|^artifacts\/stores\//, 1],
  [/^platform\/http\//, 4],
  [/^cli\//, 6],
  [/^(\w+)\/\1\.ts$/, 5],
  [/(^|[./])(tables|schema|search|ids|months)\.ts$/, 1],
  [/(^|[./])store\.ts$/, 2],
  [/(^|[./])routes\.ts$/, 4],
]

/** The floor that a file's name tells; a room's other files (service.ts, its pure rules) are on floor 3. */
function floorOf(path: string): number {
  return ROOT_FLOORS[path] ?? FLOORS.find(([pattern]) => pattern.test(path))?.[1] ?? 3
}

/** `tracking`, `platform`, `cli`; empty for files that lie in none. */
const wingOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '')
/** `tracking/runs`; the artifacts wing is one room, and so is moving. */
const roomOf = (path: string) =>
  /^(artifacts|moving)\//.exec(path)?.[1] ?? path.slice(0, path.lastIndexOf('/') + 1)
const isCore = (path: string) => (ROOT_FLOORS[path] ?? 9) === 0

/** What is wrong with the import by wings, in words that say what to do instead; undefined when nothing is. */
function brokenWing(from: string, to: string): string | undefined {
  const [wing, other] = [wingOf(from), wingOf(to)]
  if (isCore(to) || wing === other || wing === 'cli' || wing === '') return undefined
  if (wing === 'platform') return 'platform knows no wing: take what differs as an argument'
  if (other === 'platform' || ACROSS.some(([a, b]) => a.test(from) && b.test(to))) return undefined
  return `wings know each other by what app.ts hands in: declare the function that ${wing} needs in its dependencies`
}

/** Imports on one's own floor that another room offers to all. */
function mayImportSideways(from: string, to: string): boolean {
  if (roomOf(from) === roomOf(to)) return true
  if (floorOf(from) === 0) return isCore(to) || from === 'config.ts'
  if (floorOf(from) === 6) return true
  if (/(^|[./])search\.ts$/.test(from)) return to.startsWith('platform/search/')
  if (/(^|[./])tables\.ts$/.test(from)) return to === 'platform/database/columns.ts'
  if (/(^|[./])store\.ts$/.test(from)) return /^platform\/.*[.]store\.ts$/.test(to)
  if (/(^|[./])schema\.ts$/.test(from)) return /(^|[./])schema\.ts$/.test(to)
  if (/(^|[./])routes\.ts$/.test(from)) return to === 'platform/http/route.ts'
  return false
}

function isAllowed(from: string, to: string): boolean {
  const [upper, lower] = [floorOf(from), floorOf(to)]
  if (lower > upper) return false
  if (lower === upper) return mayImportSideways(from, to)
  if (from.startsWith('platform/http/')) return lower === 0
  const isStore = /(^|[./])(store|tables)\.ts$/.test(to) || to.startsWith('platform/database/')
  return !(isStore && /(^|[./])routes\.ts$/.test(from))
}

/** Who may see a package; every other package may be used from floor 4 up or in cli. */
const PACKAGES: [package_: RegExp, may: RegExp][] = [
  [/^(pg|@electric-sql\/pglite)(\/|$)/, /^platform\/database\//],
  [
    /^drizzle-orm(\/|$)/,
    /^platform\/database\/|^platform\/search\/(to-sql|keyset)\.ts$|(^|[./])(tables|store)\.ts$/,
  ],
  [/^mysql2(\/|$)/, /^moving\/mlflow\/mysql-reader\.ts$/],
  [/^@aws-sdk\//, /^artifacts\/stores\//],
  [/^graphql$/, /^web\/graphql\//],
  [/^@opentelemetry\//, /^platform\/open-telemetry\.ts$/],
  [
    /^(fastify|@fastify\/|fastify-)/,
    /^platform\/http\/|^app\.ts$|(^|[./])routes\.ts$|^(tracking\/tracking|artifacts\/artifacts|registry\/registry|lifecycle\/lifecycle|web\/web)\.ts$/,
  ],
]

const ourImports = (source: Source) => source.imports.filter((target) => target.endsWith('.ts'))

describe('the floors of src', () => {
  it('has sources to look at', () => {
    expect(sources.length).toBeGreaterThan(10)
  })

  it('lets a file import only from lower floors, or from its own room', () => {
    const broken = sources.flatMap((source) =>
      ourImports(source)
        .filter((target) => !isAllowed(source.path, target))
        .map(
          (target) => `${source.path} (floor ${floorOf(source.path)}) imports ${target} (${floorOf(target)})`,
        ),
    )
    expect(broken).toEqual([])
  })

  it('lets wings and the platform know only what they may', () => {
    const broken = sources.flatMap((source) =>
      ourImports(source).flatMap((target) => {
        const what = brokenWing(source.path, target)
        return what ? [`${source.path} imports ${target}: ${what}`] : []
      }),
    )
    expect(broken).toEqual([])
  })

  it('has a composing file for each wing, which app.ts alone imports, or the command that joins it', () => {
    const folders = new Set(sources.map(({ path }) => wingOf(path)))
    expect([...folders].sort()).toEqual(['', 'cli', 'platform', ...WINGS].sort())
    for (const wing of WINGS) {
      const file = `${wing}/${wing}.ts`
      const importers = sources.filter((source) => source.imports.includes(file)).map(({ path }) => path)
      expect(importers, file).toEqual([JOINED_BY[wing] ?? 'app.ts'])
    }
    const app = sources.find(({ path }) => path === 'app.ts')
    expect(app?.text.split('\n').length).toBeLessThanOrEqual(LONGEST_APP)
  })

  it('keeps drivers and the web framework in the rooms that wrap them', () => {
    const broken = sources.flatMap((source) =>
      source.imports
        .filter((target) => PACKAGES.some(([name, may]) => name.test(target) && !may.test(source.path)))
        .map((target) => `${source.path} imports ${target}`),
    )
    expect(broken).toEqual([])
  })

  it('has no import cycles', () => {
    const graph = new Map(sources.map((source) => [source.path, ourImports(source)]))
    expect(findCycle(graph)).toEqual([])
  })

  it('reads the environment in config.ts alone', () => {
    const readers = sources.filter(({ text }) => /\bprocess\.env\b/.test(withoutComments(text)))
    expect(readers.map(({ path }) => path).filter((path) => path !== 'config.ts')).toEqual([])
  })

  it(`has no file of more than ${LONGEST_FILE} lines`, () => {
    const written = sources.filter(({ path }) => !path.endsWith('.pb.ts'))
    const long = written.filter(({ text }) => text.trimEnd().split('\n').length > LONGEST_FILE)
    expect(long.map(({ path }) => path)).toEqual([])
  })

  it('opens every file with a sentence about what lives there', () => {
    const silent = sources.filter(({ text }) => !/^(#!.*\n)?(\/\/ |\/\*\*?)/.test(text))
    expect(silent.map(({ path }) => path)).toEqual([])
  })
})

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')

/** The files of one cycle, empty when there is none. */
function findCycle(graph: Map<string, string[]>): string[] {
  const done = new Set<string>()
  const visit = (path: string, trail: string[]): string[] => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path]
    if (done.has(path)) return []
    for (const target of graph.get(path) ?? []) {
      const cycle = visit(target, [...trail, path])
      if (cycle.length) return cycle
    }
    done.add(path)
    return []
  }
  for (const path of graph.keys()) {
    const cycle = visit(path, [])
    if (cycle.length) return cycle
  }
  return []
}
