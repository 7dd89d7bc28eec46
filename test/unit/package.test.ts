// What `npm pack` would put into the package: all that the program reads, and no more.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const { version, files, scripts, bin, dependencies } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
) as {
  version: string
  files: string[]
  scripts: Record<string, string>
  bin: Record<string, string>
  dependencies: Record<string, string>
}

function packed(): string[] {
  const printed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [described] = JSON.parse(printed) as { files: { path: string }[] }[]
  return (described?.files ?? []).map(({ path }) => path)
}

describe('the package', () => {
  const paths = packed()

  it('holds the migrations, the prices, the description of the API and the licenses', () => {
    const migrations = readdirSync(join(ROOT, 'migrations'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.sql'))
      .map((path) => `migrations/${path}`)
    expect(migrations.length).toBeGreaterThan(20)
    expect(paths).toEqual(
      expect.arrayContaining([
        ...migrations,
        ...[
          'data/model-prices.tsv',
          'docs/sql.md',
          'openapi/openapi.json',
          'package.json',
          'LICENSE',
          'NOTICE',
          'README.md',
        ],
      ]),
    )
  })

  it('is compiled before it is packed, and takes the program along', () => {
    expect(scripts.prepack).toBe('npm run build')
    expect(files).toContain('dist')
    expect(Object.values(bin).every((path) => path.startsWith('dist/'))).toBe(true)
  })

  it('holds nothing else: no sources, tests, benchmarks or data of somebody', () => {
    const expected =
      /^(dist\/|migrations\/|data\/model-prices\.tsv$|docs\/[a-z]+\.md$|openapi\/openapi\.json$|(package\.json|LICENSE|NOTICE|README\.md)$)/
    expect(paths.filter((path) => !expected.test(path))).toEqual([])
  })

  it('depends on nothing that could be bundled: what is left has native code or WebAssembly', () => {
    const names = Object.keys(dependencies)
    expect(names).toHaveLength(3)
    for (const name of names) {
      const inside = readdirSync(join(ROOT, 'node_modules', name), { recursive: true, encoding: 'utf8' })
      expect(
        inside.some((path) => /\.(node|wasm)$/.test(path)),
        name,
      ).toBe(true)
    }
  })

  it('has a version that the changelog, the image of Compose and the README name', () => {
    const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
    const [, newest] = /^## \[(\d[^\]]*)\]/m.exec(read('CHANGELOG.md')) ?? []
    expect(newest).toBe(version)
    expect(read('docker-compose.yml')).toContain(`image: crateflow:${version}\n`)
    expect(read('README.md')).toContain(`./crateflow-${version}.tgz`)
  })

  it('has a changelog and a security policy that link to files which exist', () => {
    for (const path of ['CHANGELOG.md', 'SECURITY.md']) {
      const text = readFileSync(join(ROOT, path), 'utf8')
      const local = [...text.matchAll(/\]\(([^)]+)\)/g)]
        .map(([, target]) => target ?? '')
        .filter((target) => !target.startsWith('https://'))
      expect(local.filter((target) => !existsSync(join(ROOT, target)))).toEqual([])
    }
  })
})
