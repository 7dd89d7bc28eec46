// Keeps README.md true to the code: settings, rooms, links, commands.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { buildProgram } from '../../src/cli/program.ts'
import { ArtifactConfigSchema, ServerConfigSchema } from '../../src/config.ts'
import { settingOf } from '../../src/settings.ts'
import { TracingConfigSchema } from '../../src/tracing-config.ts'
import { WebhookConfigSchema } from '../../src/webhook-config.ts'

const ROOT = join(import.meta.dirname, '../..')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

const GROUPS = ['Storage', 'Network', 'Web UI', 'Security', 'Operation']

/** One row per setting, by groups, with the words of `--help`. */
function configurationTable(): string {
  const types = Object.values({
    ...ServerConfigSchema.shape,
    ...ArtifactConfigSchema.shape,
    ...WebhookConfigSchema.shape,
    ...TracingConfigSchema.shape,
  })
  const rows = GROUPS.flatMap((group) => types.filter((type) => settingOf(type).group === group)).map(
    (type) => {
      const { flags, env, help } = settingOf(type)
      const value = type instanceof z.ZodDefault ? type.def.defaultValue : undefined
      const shown = value === undefined || String(value) === '' ? '' : `\`${String(value)}\``
      return `| ${flags ? `\`${flags}\`` : ''} | \`${env}\` | ${shown} | ${help.replaceAll('<', '\\<')} |`
    },
  )
  return ['| option | environment | default | meaning |', '|---|---|---|---|', ...rows].join('\n')
}

/** The names in backticks of the first column of the table below a header. */
function firstColumn(header: string): string[] {
  const table = readme.slice(readme.indexOf(`| ${header} |`)).split('\n\n', 1)[0] ?? ''
  const cells = table
    .split('\n')
    .slice(2)
    .map((line) => line.split('|')[1] ?? '')
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''))
}

const foldersOf = (path: string) =>
  readdirSync(join(ROOT, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)

/** The long options of a command and of all below it. */
const optionsOf = (command: Command): string[] => [
  ...command
    .createHelp()
    .visibleOptions(command)
    .map(({ long }) => long ?? ''),
  ...command.commands.flatMap(optionsOf),
]

describe('README.md', () => {
  it('lists every setting with its option, variable, default and meaning', () => {
    const [, section] = /<!-- configuration:.*? -->\n([\s\S]*?)<!-- \/configuration -->/.exec(readme) ?? []
    expect(section?.trim()).toBe(configurationTable())
  })

  it('names every room of the sources, and no other', () => {
    const rooms = firstColumn('room of `src/`').map((name) => name.replace(/\/$/, ''))
    // Some wings are one room, the commands lie in none.
    const folders = foldersOf('src').flatMap((wing) =>
      ['artifacts', 'cli', 'moving'].includes(wing)
        ? wing
        : foldersOf(`src/${wing}`).map((room) => `${wing}/${room}`),
    )
    expect(rooms.sort()).toEqual(folders.sort())
  })

  it('names every table that migrations make, and no other', () => {
    const migrations = join(ROOT, 'migrations/cratedb')
    const statements = readdirSync(migrations).map((file) => readFileSync(join(migrations, file), 'utf8'))
    const made = [...statements.join('').matchAll(/CREATE TABLE IF NOT EXISTS (\w+)/g)].map(
      ([, name]) => name,
    )
    expect(firstColumn('table').sort()).toEqual([...made, 'schema_migrations'].sort())
  })

  it('names every folder of tests', () => {
    const named = [...firstColumn('tests in'), 'test/support']
    const folders = foldersOf('test').map((name) => `test/${name}`)
    expect(folders.filter((folder) => !named.includes(folder))).toEqual([])
  })

  it('names folders of tests so that `vitest run` finds one by its name alone', () => {
    const folders = foldersOf('test')
    const both = folders.filter((name) => folders.some((other) => other !== name && other.startsWith(name)))
    expect(both).toEqual([])
  })

  it('names every version of the client that is tested, and no other', () => {
    const [, section = ''] = /^### Clients\n([\s\S]*?)^### /m.exec(readme) ?? []
    const named = section.slice(0, section.indexOf('Java client')).match(/\b\d+\.\d+\.\d+\b/g) ?? []
    const tested = readdirSync(join(ROOT, 'test/compatibility/requirements')).map((name) => name.slice(0, -4))
    expect(named.sort()).toEqual(tested.sort())
  })

  it('links to files and headings that exist', () => {
    const targets = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target ?? '')
    const headings = [...readme.matchAll(/^#+ (.+)$/gm)].map(
      ([, text = '']) =>
        `#${text
          .toLowerCase()
          .replace(/[^\w -]/g, '')
          .replaceAll(' ', '-')}`,
    )
    const local = targets.filter((target) => !target.startsWith('https://'))
    expect(local.length).toBeGreaterThan(5)
    const broken = local.filter((target) =>
      target.startsWith('#') ? !headings.includes(target) : !existsSync(join(ROOT, target)),
    )
    expect(broken).toEqual([])
  })

  it('speaks only of options and scripts that there are', () => {
    const known = optionsOf(buildProgram({ value: 0 }))
    const others = ['--detach', '--wait', '--tag', '--global']
    const named = [...new Set(readme.match(/(?<=[\s`])--[a-z][a-z-]+/g))]
    expect(named.filter((flag) => !known.includes(flag) && !others.includes(flag))).toEqual([])
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    for (const name of ['start', 'test']) expect(Object.keys(scripts)).toContain(name)
  })
})
