// Enforces the order of floors: a file imports only from lower floors, drivers stay in their rooms.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const SRC = join(import.meta.dirname, '../../src')
const LONGEST_FILE = 400

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

const ROOT_FLOORS: Record<string, number> = {
  'active-request.ts': 0,
  'errors.ts': 0,
  'events.ts': 0,
  'package.ts': 0,
  'settings.ts': 0,
  'config.ts': 0,
  'app.ts': 5,
  'main.ts': 5,
}
const ROOM_FLOORS: [RegExp, number][] = [
  [/^wire\//, 0],
  [/^(search|database|artifacts\/stores)\//, 1],
  [/^cli\//, 5],
  [/^http\//, 4],
  [/(^|[./])(tables|schema)\.ts$/, 1],
  [/(^|[./])store\.ts$/, 2],
  [/(^|[./])routes\.ts$/, 4],
  [/^(auth|workspaces)\/hook\.ts$/, 4],
]

/** The floor that a file's name tells; a room's other files (service.ts, its pure rules) are on floor 3. */
function floorOf(path: string): number {
  return ROOT_FLOORS[path] ?? ROOM_FLOORS.find(([pattern]) => pattern.test(path))?.[1] ?? 3
}

const roomOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '')

/** Imports on one's own floor that another room offers to all. */
function mayImportSideways(from: string, to: string): boolean {
  if (roomOf(from) === roomOf(to)) return true
  if (floorOf(from) === 0) return to === 'errors.ts' || from === 'config.ts'
  if (floorOf(from) === 5) return true
  if (/(^|[./])tables\.ts$/.test(from)) return to === 'database/columns.ts'
  if (/(^|[./])schema\.ts$/.test(from)) return /(^|[./])schema\.ts$/.test(to)
  if (/(^|[./])routes\.ts$/.test(from)) return to === 'http/route.ts'
  return false
}

function isAllowed(from: string, to: string): boolean {
  const [upper, lower] = [floorOf(from), floorOf(to)]
  if (lower > upper) return false
  if (lower === upper) return mayImportSideways(from, to)
  if (from.startsWith('http/')) return lower === 0
  const isStore = /(^|[./])(store|tables)\.ts$/.test(to) || to.startsWith('database/')
  return !(isStore && /(^|[./])routes\.ts$/.test(from))
}

/** Who may see a package; every other package may be used from floor 4 up or in cli. */
const PACKAGES: [package_: RegExp, may: RegExp][] = [
  [/^(pg|@electric-sql\/pglite)(\/|$)/, /^database\//],
  [/^drizzle-orm(\/|$)/, /^database\/|^search\/(to-sql|keyset)\.ts$|(^|[./])(tables|store)\.ts$/],
  [/^@aws-sdk\//, /^artifacts\/stores\//],
  [/^graphql$/, /^graphql\//],
  [/^(fastify|@fastify\/|fastify-)/, /^http\/|^app\.ts$|(^|[./])routes\.ts$|^(auth|workspaces)\/hook\.ts$/],
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
    const long = sources.filter(({ text }) => text.trimEnd().split('\n').length > LONGEST_FILE)
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
