import { readdir, readFile, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MLFLOW_VERSION } from '../../src/platform/http/health.ts'
import { explainFailure } from '../../src/web/ui/errors.ts'
import { MANIFEST, openUiFolder } from '../../src/web/ui/folder.ts'
import { type InstallOptions, installUi } from '../../src/web/ui/install.ts'
import { missing } from '../support/services.ts'
import { emptyFolder, writeFiles } from './folders.ts'
import { buildWheel, fakePython, pythonWith, smallUi, type WheelEntry } from './wheel.ts'

/** A patch release whose wheel no hash is known of. */
const UNKNOWN = '3.17.9'

const install = (folder: string, options: Partial<InstallOptions> = {}) =>
  installUi({ version: UNKNOWN, speaks: '3.17.2', folder, progress: () => {}, ...options })

/** Installs from a wheel with the small UI and these entries; what is left of the parent folder. */
async function installWheel(more: readonly WheelEntry[], change = (wheel: Buffer) => wheel) {
  const parent = await emptyFolder()
  const python = await pythonWith(await emptyFolder(), change(buildWheel([...smallUi(), ...more])))
  const result = install(join(parent, 'cache', 'ui'), { python }).then(
    () => 'installed',
    (error: Error) => error.message,
  )
  return { outcome: await result, left: (await readdir(parent, { recursive: true })).sort() }
}

describe.skipIf(missing('ui'))('the stock web UI', () => {
  it('is fetched by pip, complete, with its licence, and not fetched again', async () => {
    const folder = join(await emptyFolder(), 'ui')
    const steps: string[] = []
    const options = {
      version: MLFLOW_VERSION,
      speaks: MLFLOW_VERSION,
      progress: (step: string) => steps.push(step),
    }
    const { ui, isNew } = await install(folder, options)
    expect(isNew).toBe(true)
    expect(ui.version).toBe(MLFLOW_VERSION)
    expect(ui.files.size).toBeGreaterThan(400)
    expect(await readFile(join(folder, 'LICENSE.txt'), 'utf8')).toContain('Apache License')
    expect(await readFile(join(folder, 'index.html'), 'utf8')).toContain('<title>MLflow</title>')
    expect(steps).toEqual([
      `fetching the wheel of MLflow ${MLFLOW_VERSION} with pip`,
      `compressing ${ui.files.size} files`,
    ])
    expect((await install(folder, { ...options, python: '/nonexistent' })).isNew).toBe(false)
  })
})

describe('an installation', () => {
  it('holds the files of the wheel with twins, and none of its code', async () => {
    const { outcome, left } = await installWheel([])
    expect(outcome).toBe('installed')
    expect(left.filter((path) => /\.\w+$/.test(path))).toEqual([
      `cache/ui/${MANIFEST}`,
      'cache/ui/LICENSE.txt',
      'cache/ui/index.html',
      'cache/ui/static/js/main.0123abcd.js',
      'cache/ui/static/js/main.0123abcd.js.br',
      'cache/ui/static/js/main.0123abcd.js.gz',
    ])
  })

  it('gives files the times of the wheel, so that servers agree on their entity tags', async () => {
    const folder = join(await emptyFolder(), 'ui')
    await install(folder, { python: await pythonWith(await emptyFolder(), buildWheel(smallUi())) })
    for (const name of ['index.html', 'static/js/main.0123abcd.js', 'static/js/main.0123abcd.js.br']) {
      expect((await stat(join(folder, name))).mtime.toISOString()).toBe('2026-01-01T00:00:00.000Z')
    }
  })

  it('takes the place of an older one when it is forced, and only then', async () => {
    const folder = join(await emptyFolder(), 'ui')
    await install(folder, { python: await pythonWith(await emptyFolder(), buildWheel(smallUi())) })
    const other = buildWheel([...smallUi(), { name: 'mlflow/server/js/build/new.txt', content: 'new' }])
    const python = await pythonWith(await emptyFolder(), other)
    expect((await install(folder, { python })).ui.files.has('new.txt')).toBe(false)
    expect((await install(folder, { python, force: true })).ui.files.has('new.txt')).toBe(true)
    expect((await install(folder, { python, version: '3.17.8' })).ui.version).toBe('3.17.8')
  })

  it('may be made by several at once', async () => {
    const parent = await emptyFolder()
    const folder = join(parent, 'ui')
    const python = await pythonWith(await emptyFolder(), buildWheel(smallUi()))
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, index) => install(folder, { python, force: index % 2 === 0 })),
    )
    expect(results.map(({ ui }) => ui.files.size)).toEqual([3, 3, 3, 3, 3, 3])
    expect(await readdir(parent)).toEqual(['ui'])
    expect((await openUiFolder(folder, '3.17.2')).version).toBe(UNKNOWN)
  })

  it('leaves nothing when it is stopped', async () => {
    const parent = await emptyFolder()
    const python = await fakePython(await emptyFolder(), 'exec sleep 60')
    const stop = new AbortController()
    const running = install(join(parent, 'ui'), { python, signal: stop.signal })
    setTimeout(() => stop.abort(new Error('stopped')), 200)
    await expect(running).rejects.toThrow('stopped')
    expect(await readdir(parent)).toEqual([])
  })

  it('removes what killed ones have left, once they cannot be running any more', async () => {
    const parent = await emptyFolder()
    await writeFiles(parent, { 'ui.tmp-old/wheel/x': 'x', 'ui.tmp-new/wheel/x': 'x', 'other/x': 'x' })
    const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000)
    await utimes(join(parent, 'ui.tmp-old'), longAgo, longAgo)
    const python = await pythonWith(await emptyFolder(), buildWheel(smallUi()))
    await install(join(parent, 'ui'), { python })
    expect((await readdir(parent)).sort()).toEqual(['other', 'ui', 'ui.tmp-new'])
  })

  it('does not replace what is none', async () => {
    const folder = await emptyFolder()
    await writeFiles(folder, { 'thesis.txt': 'years of work' })
    await expect(install(folder, { force: true, python: '/nonexistent' })).rejects.toThrow(
      'holds something else than an installed web UI',
    )
    expect(await readdir(folder)).toEqual(['thesis.txt'])
  })

  it.each(['3.16.0', '4.17.2', '3', '3.17', 'latest', '3.17.2 --index-url=http://evil', '3.17.2/../..'])(
    'refuses the version %s, which the server does not speak',
    async (version) => {
      const folder = join(await emptyFolder(), 'ui')
      await expect(install(folder, { version, python: '/nonexistent' })).rejects.toThrow(
        'does not work with this server',
      )
    },
  )
})

const BUILD = 'mlflow/server/js/build'

describe('a wheel', () => {
  it.each<[string, WheelEntry, string]>([
    ['leads out of the folder', { name: `${BUILD}/../../../../../evil.txt`, content: 'x' }, 'damaged'],
    ['leads out of the wheel', { name: '../evil.txt', content: 'x' }, 'damaged'],
    ['has an absolute name', { name: '/tmp/evil.txt', content: 'x' }, 'damaged'],
    ['has a name with a drive', { name: `${BUILD}/C:/evil.txt`, content: 'x' }, 'damaged'],
    ['has a name with backslashes', { name: `${BUILD}\\..\\evil.txt`, content: 'x' }, 'damaged'],
    ['has a dotfile', { name: `${BUILD}/.crateflow-ui.json`, content: '{}' }, 'damaged'],
    ['has an empty part of a name', { name: `${BUILD}//evil.txt`, content: 'x' }, 'damaged'],
    ['names a file twice', { name: `${BUILD}/index.html`, content: 'x' }, 'twice'],
    ['has a link', { name: `${BUILD}/link`, content: '/etc/passwd', mode: 0o120777 }, 'no plain file'],
    [
      'differs from its list',
      { name: `${BUILD}/a.js`, content: 'evil', recorded: 'good' },
      'not what its list',
    ],
    ['has a huge file', { name: `${BUILD}/a.js`, content: Buffer.alloc(65 * 1024 * 1024) }, 'too large'],
  ])('that %s is refused, and leaves nothing', async (_what, entry, text) => {
    const { outcome, left } = await installWheel([entry])
    expect(outcome).toContain(text)
    expect(left).toEqual(['cache'])
  })

  it('that names a file which its list leaves out is refused', async () => {
    const extra = { name: `${BUILD}/a.js`, content: 'evil' }
    const { outcome } = await installWheel([extra], (wheel) => {
      const changed = Buffer.from(wheel)
      // The last name of a.js is in the directory of the zip file, one before stands before the data.
      for (const at of [wheel.indexOf('a.js'), wheel.lastIndexOf('a.js')]) changed.write('b.js', at)
      return changed
    })
    expect(outcome).toContain('b.js is not what its list of files says')
  })

  it.each<[string, (wheel: Buffer) => Buffer]>([
    ['is cut off', (wheel) => wheel.subarray(0, wheel.length - 100)],
    ['is empty', () => Buffer.alloc(0)],
    ['is no zip file', () => Buffer.from('<html>Please log in to the hotel network</html>')],
    [
      'has a flipped bit',
      (wheel) => {
        const at = wheel.indexOf('main.0123abcd.js') + 20
        return Buffer.concat([
          wheel.subarray(0, at),
          Buffer.from([wheel.readUInt8(at) ^ 4]),
          wheel.subarray(at + 1),
        ])
      },
    ],
  ])('that %s is refused', async (_what, change) => {
    const { outcome, left } = await installWheel([], change)
    expect(outcome).toContain('The wheel is damaged')
    expect(left).toEqual(['cache'])
  })

  it('that holds no UI is refused', async () => {
    const python = await pythonWith(
      await emptyFolder(),
      buildWheel([{ name: 'mlflow/__init__.py', content: '' }]),
    )
    await expect(install(join(await emptyFolder(), 'ui'), { python })).rejects.toThrow(
      'holds no built web UI',
    )
  })

  it('that claims a known version is compared with the known hash', async () => {
    const python = await pythonWith(await emptyFolder(), buildWheel(smallUi()))
    const folder = join(await emptyFolder(), 'ui')
    await expect(install(folder, { python, version: MLFLOW_VERSION })).rejects.toThrow(
      /The wheel of MLflow 3\.17\.2 is not the known one: its SHA-256 is [0-9a-f]{64}\./,
    )
  })
})

describe('pip that does not deliver', () => {
  it.each([
    [
      'WARNING: Retrying (Retry(total=0)) after connection broken by NewConnectionError\\nERROR: Could not find a version that satisfies the requirement mlflow==3.17.9 (from versions: none)\\nERROR: No matching distribution found for mlflow==3.17.9',
      'pip does not reach its package index',
    ],
    [
      'ERROR: Could not find a version that satisfies the requirement mlflow==3.17.9 (from versions: 3.17.1)\\nERROR: No matching distribution found for mlflow==3.17.9',
      'pip finds no MLflow 3.17.9 at its package index.',
    ],
    [
      'ERROR: Could not find a version that satisfies the requirement mlflow==3.17.9 (from versions: none)\\nERROR: No matching distribution found for mlflow==3.17.9',
      'pip finds no MLflow at all at its package index',
    ],
    ['ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.', 'the hash differs'],
    [
      'ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device',
      'The disk is full.',
    ],
    ['Traceback\\nERROR: Something else', 'pip failed: ERROR: Something else'],
    ['', 'pip failed: it said nothing'],
  ])('is understood when it says %j', async (output, text) => {
    const python = await fakePython(await emptyFolder(), `printf '${output}' >&2; exit 1`)
    await expect(install(join(await emptyFolder(), 'ui'), { python })).rejects.toThrow(text)
  })

  it('is told from a Python that has none', async () => {
    const folder = join(await emptyFolder(), 'ui')
    await expect(install(folder, { python: '/nonexistent/python' })).rejects.toThrow(
      '/nonexistent/python has no pip, which fetches the web UI.',
    )
  })
})

describe('a folder that cannot be written', () => {
  it.each([
    ['ENOSPC', 'The disk of /x is full.'],
    ['EROFS', 'The folder /x cannot be written. Name another with --ui-dir.'],
    ['EACCES', 'The folder /x cannot be written. Name another with --ui-dir.'],
  ])('is explained: %s', (code, text) => {
    const failure = explainFailure(Object.assign(new Error(code), { code }), '/x')
    expect((failure as Error).message).toBe(text)
  })
})
