// A folder store and links: inner ones are followed, nothing outside the folder is read, written, listed or deleted.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { openLocalStore } from '../../../src/artifacts/stores/local.ts'
import { readAll, streamOf } from './targets.ts'

const OUTSIDE = { code: 'INVALID_PARAMETER_VALUE', message: expect.stringMatching(/^Invalid path/) }

describe('A folder store with links', () => {
  const folders: string[] = []
  let base = ''
  let root = ''
  const store = () => openLocalStore(root)

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'links-'))
    folders.push(base)
    root = join(base, 'root')
    await mkdir(join(root, 'real/inner'), { recursive: true })
    await mkdir(join(base, 'root-too'))
    await mkdir(join(base, 'outside'))
    await writeFile(join(base, 'outside/secret'), 'secret')
    await writeFile(join(base, 'root-too/secret'), 'secret')
    await writeFile(join(root, 'real/x'), 'inside')
    await symlink(join(base, 'outside'), join(root, 'out'))
    await symlink('../root-too', join(root, 'sibling'))
    await symlink(join(base, 'outside/secret'), join(root, 'out-file'))
    await symlink('/nowhere/at/all', join(root, 'dangling'))
    await symlink('loop', join(root, 'loop'))
    await symlink('real', join(root, 'in'))
    await symlink('real/x', join(root, 'in-file'))
  })
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

  it.each(['out/secret', 'out-file', 'sibling/secret', 'out'])('reads nothing through %s', async (path) => {
    await expect(store().open(path)).rejects.toMatchObject(OUTSIDE)
    await expect(store().stat(path)).rejects.toMatchObject(OUTSIDE)
  })

  it.each(['out', 'sibling', 'out/secret'])('lists nothing behind %s', async (path) => {
    await expect(store().list(path)).rejects.toMatchObject(OUTSIDE)
  })

  it.each(['out/new', 'out/a/b/new', 'sibling/new', 'out/secret'])('writes nothing to %s', async (path) => {
    await expect(store().write(path, streamOf(['x']))).rejects.toMatchObject(OUTSIDE)
    expect(await readdir(join(base, 'outside'))).toEqual(['secret'])
    expect(await readdir(join(base, 'root-too'))).toEqual(['secret'])
    expect(readFileSync(join(base, 'outside/secret'), 'utf8')).toBe('secret')
  })

  it.each(['out/secret', 'sibling/secret'])('deletes nothing at %s', async (path) => {
    await expect(store().delete(path)).rejects.toMatchObject(OUTSIDE)
    expect(existsSync(join(base, 'outside/secret'))).toBe(true)
    expect(existsSync(join(base, 'root-too/secret'))).toBe(true)
  })

  it('lists no link that dangles, loops or leads outside', async () => {
    expect((await store().list()).map(({ path }) => path)).toEqual(['in', 'in-file', 'real'])
  })

  it('follows links that stay inside', async () => {
    expect(String(await readAll((await store().open('in/x')).stream))).toBe('inside')
    expect(await store().list('in')).toEqual([
      { path: 'in/inner', isDir: true },
      { path: 'in/x', isDir: false, sizeBytes: 6 },
    ])
    await store().write('in/new', streamOf(['new']))
    expect(readFileSync(join(root, 'real/new'), 'utf8')).toBe('new')
  })

  it('replaces a link by the file that is written at its place, and leaves its target alone', async () => {
    await store().write('out-file', streamOf(['mine']))
    expect(readFileSync(join(root, 'out-file'), 'utf8')).toBe('mine')
    expect(readFileSync(join(base, 'outside/secret'), 'utf8')).toBe('secret')
  })

  it('deletes a link itself, never its target', async () => {
    for (const link of ['out', 'out-file', 'in', 'dangling', 'loop']) await store().delete(link)
    expect(await readdir(root)).toEqual(['in-file', 'real', 'sibling'])
    expect(existsSync(join(base, 'outside/secret'))).toBe(true)
    expect(existsSync(join(root, 'real/x'))).toBe(true)
  })

  it('deletes a folder without following the links in it', async () => {
    await symlink(join(base, 'outside'), join(root, 'real/inner/out'))
    await store().delete('real')
    expect(existsSync(join(base, 'outside/secret'))).toBe(true)
    expect(existsSync(join(root, 'real'))).toBe(false)
  })

  it('does not wait for a named pipe, nor read one', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')])
    await expect(store().open('pipe')).rejects.toMatchObject({ code: 'INVALID_PARAMETER_VALUE' })
    expect((await store().list()).map(({ path }) => path)).not.toContain('pipe')
  })

  it('may itself be reached by a link', async () => {
    await symlink(root, join(base, 'link-to-root'))
    const linked = openLocalStore(join(base, 'link-to-root'))
    await linked.write('via/link', streamOf(['x']))
    expect(readFileSync(join(root, 'via/link'), 'utf8')).toBe('x')
    expect(await linked.list('via')).toHaveLength(1)
  })

  it('keeps to itself while a folder is exchanged for a link again and again', async () => {
    const isLinux = process.platform === 'linux'
    await mkdir(join(root, 'swap/victim'), { recursive: true })
    await writeFile(join(root, 'swap/secret'), 'inside')
    await mkdir(join(base, 'outside/victim'))
    await writeFile(join(base, 'outside/only-outside'), '')
    // An upload may make the folder anew while it is away.
    const put = async (place: () => Promise<void>) => {
      for (let isDone = false; !isDone; ) {
        // Nor is it empty when one writes into it meanwhile.
        isDone = await rm(join(root, 'swap'), { recursive: true, force: true })
          .then(place)
          .then(
            () => true,
            () => false,
          )
      }
    }
    let swaps = 0
    const swapping = (async () => {
      for (; swaps < 500; swaps++) {
        await rename(join(root, 'swap'), join(base, 'aside'))
        await put(() => symlink(join(base, 'outside'), join(root, 'swap')))
        await put(() => rename(join(base, 'aside'), join(root, 'swap')))
      }
    })()
    const seen = new Set<string>()
    const read = async () => String(await readAll((await store().open('swap/secret')).stream))
    const list = async () => (await store().list('swap')).map(({ path }) => path).join(' ')
    while (swaps < 500) {
      for (const way of [read, list]) seen.add(await way().catch((error) => error.code))
      for (const path of ['swap/new', 'swap/a/b/new']) {
        await store()
          .write(path, streamOf(['x']))
          .catch(() => {})
      }
      await store()
        .delete('swap/victim')
        .catch(() => {})
    }
    await swapping
    // Elsewhere the system does not tell which folder is open, and a very quick exchange is not noticed.
    if (!isLinux) return
    expect([...seen].filter((one) => one === 'secret' || one.includes('only-outside'))).toEqual([])
    expect(await readdir(join(base, 'outside'))).toEqual(['only-outside', 'secret', 'victim'])
  })

  it('hides, keeps and reserves the names of uploads that are not complete', async () => {
    await writeFile(join(root, 'real/.artifact.uploading.left'), 'half')
    expect((await store().list('real')).map(({ path }) => path)).toEqual(['real/inner', 'real/x'])
    await expect(store().open('real/.artifact.uploading.left')).rejects.toMatchObject({
      code: 'RESOURCE_DOES_NOT_EXIST',
    })
    await expect(store().write('real/.artifact.uploading.q', streamOf(['x']))).rejects.toThrow(
      "Invalid artifact file name: '.artifact.uploading.q'. Artifact names starting with '.artifact.uploading.' are reserved.",
    )
  })

  it('leaves no temporary file behind', async () => {
    await store().write('tmp/ok', streamOf(['x']))
    await expect(store().write('tmp/bad', streamOf(['x'], new Error('gone')))).rejects.toThrow('gone')
    expect(await readdir(join(root, 'tmp'))).toEqual(['ok'])
  })

  it('refuses a file where a folder is, and a folder where a file is', async () => {
    await expect(store().write('real/inner', streamOf(['x']))).rejects.toMatchObject({
      message: "Artifact path refers to a directory, not a file: 'real/inner'",
    })
    await expect(store().write('real/x/below', streamOf(['x']))).rejects.toMatchObject({
      code: 'INVALID_PARAMETER_VALUE',
    })
    expect(readFileSync(join(root, 'real/x'), 'utf8')).toBe('inside')
  })
})
