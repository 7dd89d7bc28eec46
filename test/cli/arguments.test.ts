import { spawnSync } from 'node:child_process'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { buildProgram } from '../../src/cli/program.ts'
import { ServerConfigSchema } from '../../src/config.ts'
import { settingOf } from '../../src/settings.ts'
import { useService } from '../support/services.ts'
import { runProgram } from './program.ts'

const SECRET = 'hunter2'

describe('the command line', () => {
  it.each([
    [['server', '--nope'], {}, "crateflow: unknown option '--nope'"],
    [['ui', '--port', '5001'], {}, "The server shows the UI: 'crateflow server'"],
    [['serve'], {}, "crateflow: unknown command 'serve'\n(Did you mean server?)"],
    [['server', 'now'], {}, 'too many arguments'],
    [['server', '--port'], {}, "option '-p, --port <n>' argument missing"],
    [['server', '--port', 'abc'], {}, 'crateflow: --port must be a whole number from 0 to 65535.'],
    [['server'], { MLFLOW_PORT: 'abc' }, 'crateflow: MLFLOW_PORT must be a whole number from 0 to 65535.'],
    [['server', '--workers', '0'], {}, 'crateflow: --workers must be a whole number from 1 to 1024.'],
    [
      ['server', '--registry-store-uri', 'pglite:./other'],
      {},
      '--registry-store-uri must be left out or equal',
    ],
    [['server', '--no-serve-artifacts'], {}, '--no-serve-artifacts needs --default-artifact-root'],
    [
      ['server', '--artifacts-only', '--backend-store-uri', 'pglite:x'],
      {},
      '--artifacts-only opens no database',
    ],
    [['server', '--artifacts-only', '--no-serve-artifacts'], {}, 'leave nothing to serve'],
    [['server', '--static-prefix', 'mlflow'], {}, "--static-prefix must begin with a '/'"],
    [
      ['server', '--backend-store-uri', 'sqlite:///mlflow.db'],
      {},
      'Invalid backend store URI: this server does not keep its data in sqlite.',
    ],
    [['server', '--app-name', 'basic-auth'], {}, '--app-name is not supported'],
    [['server', '--enable-workspaces'], {}, '--enable-workspaces is not supported'],
    [['server'], { MLFLOW_ENABLE_WORKSPACES: 'true' }, '--enable-workspaces is not supported'],
    [['server', '--trace-archival-config', 'x.yaml'], {}, '--trace-archival-config is not supported'],
    [['server', '--uvicorn-opts', '--ssl-keyfile=key.pem'], {}, '--uvicorn-opts asks for TLS'],
    [['db', 'drop'], {}, 'db drop asks on a terminal. Without one, say --yes.'],
    [['completion', 'tcsh'], {}, 'Allowed choices are bash, zsh, fish'],
  ])('refuses %j with %j by exit code 2', async (args, env, text) => {
    const { code, stdout, stderr } = await runProgram(args, { env: env as Record<string, string> })
    expect(stderr).toContain(text)
    expect(stderr).not.toMatch(/^\s+at /m)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  it.each([
    ['a server that is not there', `postgresql://u:${SECRET}@127.0.0.1:1/db`, 'ECONNREFUSED'],
    ['a host that is not there', `cratedb://u:${SECRET}@nowhere.invalid/`, 'nowhere.invalid'],
    ['a port that is none', `cratedb://u:${SECRET}@h:99999/`, 'a host must read name or name:port'],
    ['a scheme that is unknown', `redis://u:${SECRET}@h/`, 'expected pglite:'],
    ['a store of stock', `mysql://u:${SECRET}@h/`, 'does not keep its data in mysql'],
    ['a broken escape', `cratedb://u:%zz${SECRET}@h/`, 'must be written %25'],
    ['a stray @', `cratedb://u:x@${SECRET}@h/`, 'a host must read name or name:port'],
  ])('never prints the password, with %s', async (_what, uri, text) => {
    const args = ['db', 'status', '--db-wait', '0', '--log-level', 'debug', '--backend-store-uri', uri]
    const { code, stdout, stderr } = await runProgram(args)
    expect(stderr).toContain(text)
    expect(stdout + stderr).not.toContain(SECRET)
    expect(code).toBeGreaterThan(0)
  })

  it('takes passwords out of what it did not understand', async () => {
    const { stderr } = await runProgram(['server', `--backend-store=cratedb://u:${SECRET}@h/`])
    expect(stderr).toContain('unknown option')
    expect(stderr).not.toContain(SECRET)
  })

  it('shows every setting with its variable in --help', async () => {
    const { code, stdout } = await runProgram(['server', '--help'])
    expect(code).toBe(0)
    for (const type of Object.values(ServerConfigSchema.shape)) {
      const { flags, env } = settingOf(type)
      if (!flags) continue
      expect(stdout).toContain(flags)
      expect(stdout).toContain(`[${env}]`)
    }
  })

  it('says nothing when nobody reads its help to the end', async () => {
    const { main } = await useService('build')
    const piped = 'set -o pipefail; "$0" "$1" server --help | true'
    const { status, stderr } = spawnSync('bash', ['-c', piped, process.execPath, main], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  it('prints its version', async () => {
    expect(await runProgram(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    })
  })
})

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('names every command and option in %s', async (shell) => {
    const { code, stdout } = await runProgram(['completion', shell])
    expect(code).toBe(0)
    const words = wordsOf(buildProgram({ value: 0 }))
    expect(words).toEqual(expect.arrayContaining(['runs', 'compare', 'format', 'csv', 'doctor', 'write']))
    for (const word of words) expect(stdout).toContain(word)
  })

  it('completes words in bash', async () => {
    const { stdout } = await runProgram(['completion', 'bash'])
    const complete = (words: string[]) =>
      `COMP_WORDS=(crateflow ${words.join(' ')}); COMP_CWORD=${words.length}; _crateflow; echo "\${COMPREPLY[*]}"`
    const typed: [words: string[], completed: string][] = [
      [['d'], 'db downsample doctor'],
      [['db', 'st'], 'status'],
      [['server', '--static'], '--static-prefix'],
      [['runs', 'compare', 'first', 'second', '--d'], '--diff'],
      [['models', 'list', '--limit', '3', '--format', "''"], 'table csv json'],
      [['sql', '--format', "''"], 'table csv json parquet'],
      [['traces', 'list', '--tracking-uri', "''"], ''],
      [['completion', 'f'], 'fish'],
    ]
    const script = [stdout, ...typed.map(([words]) => complete(words))].join('\n')
    expect((await runBash(script)).split('\n').slice(0, -1)).toEqual(typed.map(([, completed]) => completed))
  })
})

/** Names of commands and of long options, and what options can be, of a command and all below it. */
const wordsOf = (command: Command): string[] => [
  ...command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, argChoices }) => [long?.slice(2) ?? '', ...(argChoices ?? [])]),
  ...command.commands.flatMap((sub) => [sub.name(), ...wordsOf(sub)]),
]

async function runBash(script: string): Promise<string> {
  const { execFile } = await import('node:child_process')
  const { promisify } = await import('node:util')
  return (await promisify(execFile)('bash', ['-c', script])).stdout
}
