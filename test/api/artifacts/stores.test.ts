// What both artifact stores promise: whole files or none, listings, ranges, and nothing outside their root.
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createStoreOpener } from '../../../src/artifacts/stores/open-store.ts'
import { startMinio } from '../../support/minio.ts'
import { missing } from '../../support/services.ts'
import { describeEachStore, readAll, streamOf } from './targets.ts'

const MIB = 1024 * 1024

describeEachStore('An artifact store', (target) => {
  const store = () => target.open(target.uri)
  const write = (path: string, ...chunks: (string | Buffer)[]) => store().write(path, streamOf(chunks))
  const read = async (path: string) => String(await readAll((await store().open(path)).stream))

  it('lists nothing before the first upload', async () => {
    expect(await store().list()).toEqual([])
    expect(await store().list('nowhere/at/all')).toEqual([])
  })

  it('gives back what was written', async () => {
    await write('back/hello.txt', 'hello ', 'world')
    const opened = await store().open('back/hello.txt')
    expect(String(await readAll(opened.stream))).toBe('hello world')
    expect(opened).toMatchObject({ sizeBytes: 11, totalBytes: 11, etag: expect.stringMatching(/^".+"$/) })
    expect(Math.abs(Date.now() - opened.lastModified.getTime())).toBeLessThan(120_000)
  })

  it('tells the same facts with and without opening', async () => {
    await write('stat/x', 'abc')
    const { stream, sizeBytes, ...facts } = await store().open('stat/x')
    stream.destroy()
    expect(sizeBytes).toBe(3)
    expect(await store().stat('stat/x')).toEqual(facts)
  })

  it('keeps empty files', async () => {
    await write('empty/none')
    expect(await read('empty/none')).toBe('')
    expect(await store().list('empty')).toEqual([{ path: 'empty/none', isDir: false, sizeBytes: 0 }])
  })

  it('gives parts of a file', async () => {
    await write('part/x', '0123456789')
    for (const [start, end, text] of [
      [0, 0, '0'],
      [3, 5, '345'],
      [0, 9, '0123456789'],
      [9, 9, '9'],
    ] as const) {
      const opened = await store().open('part/x', { start, end })
      expect(opened).toMatchObject({ sizeBytes: text.length, totalBytes: 10 })
      expect(String(await readAll(opened.stream))).toBe(text)
    }
  })

  it('replaces a file and changes its etag', async () => {
    await write('replace/x', 'old')
    const before = await store().stat('replace/x')
    await write('replace/x', 'new')
    const after = await store().stat('replace/x')
    expect(await read('replace/x')).toBe('new')
    expect(after.etag).not.toBe(before.etag)
  })

  it('lists a folder by code points, files with sizes and folders without', async () => {
    for (const path of ['b', 'a/inner', 'B', 'ä', '\u{1F600}', '\uff5e', 'a.txt'])
      await write(`list/${path}`, path)
    expect(await store().list('list')).toEqual([
      { path: 'list/B', isDir: false, sizeBytes: 1 },
      { path: 'list/a', isDir: true },
      { path: 'list/a.txt', isDir: false, sizeBytes: 5 },
      { path: 'list/b', isDir: false, sizeBytes: 1 },
      { path: 'list/ä', isDir: false, sizeBytes: 2 },
      { path: 'list/\uff5e', isDir: false, sizeBytes: 3 },
      { path: 'list/\u{1F600}', isDir: false, sizeBytes: 4 },
    ])
  })

  it('lists nothing for a file, and does not mix folders whose names begin alike', async () => {
    await write('alike/x', '1')
    await write('alike-too/y', '2')
    expect(await store().list('alike/x')).toEqual([])
    expect((await store().list('alike')).map(({ path }) => path)).toEqual(['alike/x'])
  })

  it('takes empty and dot parts of a path away', async () => {
    await write('plain//a/./b', 'x')
    expect(await read('plain/a/b')).toBe('x')
    expect((await store().list('./plain//a/')).map(({ path }) => path)).toEqual(['plain/a/b'])
  })

  it('takes names that other systems find hard', async () => {
    const names = [
      'with space',
      'plus+and%25',
      'ü-日本',
      'a;b',
      'quote\'"',
      'q?m',
      '~tilde',
      '[x]',
      '$(x)',
      '..x',
      'x..',
    ]
    for (const name of names) await write(`hard/${name}`, name)
    for (const name of names) expect(await read(`hard/${name}`)).toBe(name)
    expect((await store().list('hard')).map(({ path }) => path).sort()).toEqual(
      names.map((name) => `hard/${name}`).sort(),
    )
  })

  it('answers that a missing file does not exist', async () => {
    const error = { code: 'RESOURCE_DOES_NOT_EXIST', message: "No such artifact: 'nope/x'" }
    await expect(store().open('nope/x')).rejects.toMatchObject(error)
    await expect(store().stat('nope/x')).rejects.toMatchObject(error)
  })

  it('answers that a folder is no file', async () => {
    await write('folder/inner/x', '1')
    const error = {
      code: 'INVALID_PARAMETER_VALUE',
      message: "Artifact path refers to a directory, not a file: 'folder/inner'",
    }
    await expect(store().open('folder/inner')).rejects.toMatchObject(error)
    await expect(store().stat('folder/inner')).rejects.toMatchObject(error)
  })

  it('deletes a file, a folder with all it holds, and nothing beside them', async () => {
    for (const path of ['del/a', 'del/dir/b', 'del/dir/c/d', 'del/dir-too/e']) await write(path, 'x')
    await store().delete('del/a')
    await store().delete('del/dir')
    await store().delete('del/was-never-there')
    await store().delete('never/was')
    expect(await store().list('del')).toEqual([{ path: 'del/dir-too', isDir: true }])
  })

  it('deletes a folder while files are uploaded to it: none fails, or is told to try again', async () => {
    const failed: unknown[] = []
    const note = (error: unknown) => void failed.push(error)
    for (let round = 0; round < 10; round++) {
      const work: Promise<void>[] = []
      for (let at = 0; at < 20; at++) {
        work.push(write(`busy/x${round}-${at}/f`, 'z'.repeat(1000)).catch(note))
        if (at % 5 === 2) work.push(store().delete('busy').catch(note))
      }
      await Promise.all(work)
    }
    expect(failed.filter((error) => (error as { code?: string }).code !== 'TEMPORARILY_UNAVAILABLE')).toEqual(
      [],
    )
    await store().delete('busy')
    expect(await store().list('busy')).toEqual([])
  })

  it('deletes more files than one request of S3 takes', async () => {
    const names = Array.from({ length: 1100 }, (_, index) => `many/${index}`)
    for (let at = 0; at < names.length; at += 50) {
      await Promise.all(names.slice(at, at + 50).map((name) => write(name, 'x')))
    }
    expect(await store().list('many')).toHaveLength(1100)
    await store().delete('many')
    expect(await store().list('many')).toEqual([])
  })

  it('leaves nothing of an upload that breaks off', async () => {
    for (const size of [10, 20 * MIB]) {
      const broken = streamOf([randomBytes(size)], new Error('connection lost'))
      await expect(store().write('broken/deep/x', broken)).rejects.toThrow('connection lost')
      expect(await store().list('broken')).toEqual([])
      expect((await store().list()).map(({ path }) => path)).not.toContain('broken')
    }
  })

  it('leaves nothing of an upload that is shorter than announced', async () => {
    for (const size of [10, 20 * MIB]) {
      const short = streamOf([randomBytes(size)])
      await expect(store().write('short/x', short, { sizeBytes: size + 1 })).rejects.toMatchObject({
        code: 'INVALID_PARAMETER_VALUE',
      })
      expect(await store().list('short')).toEqual([])
    }
  })

  it('keeps the old file when its replacement breaks off', async () => {
    await write('kept/x', 'old')
    const broken = streamOf([randomBytes(20 * MIB)], new Error('connection lost'))
    await expect(store().write('kept/x', broken)).rejects.toThrow('connection lost')
    expect(await read('kept/x')).toBe('old')
  })

  it('does not show an upload before its end', async () => {
    let finish = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const chunks = (async function* () {
      yield randomBytes(20 * MIB)
      await finished
      yield Buffer.from('end')
    })()
    const writing = store().write('late/x', Readable.from(chunks))
    expect(await store().list('late')).toEqual([])
    finish()
    await writing
    expect(await store().list('late')).toEqual([{ path: 'late/x', isDir: false, sizeBytes: 20 * MIB + 3 }])
  })

  it('keeps large files exactly, with and without an announced length', async () => {
    const data = randomBytes(33 * MIB + 7)
    const digest = createHash('sha256').update(data).digest('hex')
    const pieces = Array.from({ length: 34 }, (_, index) => data.subarray(index * MIB, (index + 1) * MIB))
    for (const sizeBytes of [undefined, data.length]) {
      await store().write('large/x', streamOf(pieces), { sizeBytes })
      const back = await readAll((await store().open('large/x')).stream)
      expect(createHash('sha256').update(back).digest('hex')).toBe(digest)
    }
  })

  it('keeps uploads to a new folder while others to it fail', async () => {
    const uploads = Array.from({ length: 40 }, (_, index) => {
      const failure = index % 2 ? new Error('connection lost') : undefined
      return store()
        .write(`shaky/deep/${index}`, streamOf(['x'], failure))
        .then(
          () => `shaky/deep/${index}`,
          (error: Error) => error.message,
        )
    })
    const done = (await Promise.all(uploads)).filter((one) => one !== 'connection lost')
    expect(done).toHaveLength(20)
    expect((await store().list('shaky/deep')).map(({ path }) => path)).toEqual(done.toSorted())
  })

  it('lets concurrent writers of one file win whole', async () => {
    const texts = Array.from({ length: 8 }, (_, index) => String(index).repeat(100_000))
    await Promise.all(texts.map((text) => write('race/x', text)))
    expect(texts).toContain(await read('race/x'))
    expect(await store().list('race')).toHaveLength(1)
  })

  it.each([
    ['a climbing path', '../x'],
    ['a path that climbs inside', 'a/../../x'],
    ['an absolute path', '/etc/passwd'],
    ['the folder above', '..'],
    ['NUL', 'a/\u0000b'],
    ['an overlong name', `a/${'x'.repeat(3000)}`],
    ['an overlong path', 'x/'.repeat(3000)],
  ])('refuses %s in every operation', async (_what, path) => {
    const error = { code: 'INVALID_PARAMETER_VALUE', message: 'Invalid path' }
    await expect(store().open(path)).rejects.toMatchObject(error)
    await expect(store().stat(path)).rejects.toMatchObject(error)
    await expect(store().list(path)).rejects.toMatchObject(error)
    await expect(store().write(path, streamOf(['x']))).rejects.toMatchObject(error)
    await expect(store().delete(path)).rejects.toMatchObject(error)
  })

  it.each(['', '.', './/.'])('never deletes or overwrites its root, spelled %j', async (path) => {
    await write('root/x', '1')
    await expect(store().delete(path)).rejects.toMatchObject({ message: 'Invalid path' })
    await expect(store().write(path, streamOf(['x']))).rejects.toMatchObject({
      code: 'INVALID_PARAMETER_VALUE',
    })
    expect(await read('root/x')).toBe('1')
  })
})

describe('Opening a store', () => {
  const open = createStoreOpener({})

  it.each(['gs://b/x', 'hdfs://h/x', 'dbfs:/x', 'mlflow-artifacts:/x', 'foo:bar'])(
    'refuses %s, whose scheme is not served',
    (uri) => {
      expect(() => open(uri)).toThrow(expect.objectContaining({ code: 'NOT_IMPLEMENTED' }))
    },
  )

  it('refuses a bucket without a name and a folder of another host', () => {
    expect(() => open('s3:///x')).toThrow('names no bucket')
    expect(() => open('file://elsewhere/x')).toThrow('names a host')
  })

  it('keeps one store per location', () => {
    expect(open('/some/folder')).toBe(open('/some/folder'))
    expect(open('/some/folder')).not.toBe(open('/some/other'))
  })
})

const reason = missing('minio')

describe.skipIf(reason)(`An S3 store that fails${reason && ` (${reason})`}`, () => {
  const open = async (changes: { bucket?: string; secretAccessKey?: string; endpoint?: string }) => {
    const minio = await startMinio()
    const { bucket, endpoint, accessKeyId, secretAccessKey } = { ...minio, ...changes }
    return createStoreOpener({ endpoint, credentials: { accessKeyId, secretAccessKey } })(`s3://${bucket}/x`)
  }

  it.each([
    ['a bucket that does not exist', { bucket: 'nowhere-at-all' }, 'RESOURCE_DOES_NOT_EXIST'],
    ['a wrong secret', { secretAccessKey: 'wrong' }, 'UNAUTHENTICATED'],
    ['a service that is away', { endpoint: 'http://127.0.0.1:1' }, 'TEMPORARILY_UNAVAILABLE'],
  ])('tells of %s', async (_what, changes, code) => {
    const store = await open(changes)
    await expect(store.list()).rejects.toMatchObject({ code })
    await expect(store.write('x', streamOf(['x']))).rejects.toMatchObject({ code })
    await expect(store.delete('x')).rejects.toMatchObject({ code })
  })
})
