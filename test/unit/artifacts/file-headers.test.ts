// The headers that name a file and its type; expected values come from MLflow 3.17.2 on Python 3.11.
import { describe, expect, it } from 'vitest'
import {
  attachmentDisposition,
  signedAttachmentDisposition,
} from '../../../src/artifacts/stores/content-disposition.ts'
import { guessMimeType, guessType } from '../../../src/artifacts/stores/mime-types.ts'

describe('The content type of a download', () => {
  it.each([
    ['a/model.pkl', 'application/octet-stream'],
    ['MLmodel', 'text/plain'],
    ['mlproject', 'text/plain'],
    ['MLproject', 'application/octet-stream'],
    ['conda.yaml', 'text/plain'],
    ['metrics.json', 'text/plain'],
    ['script.js', 'text/plain'],
    ['data.xml', 'text/plain'],
    ['notebook.ipynb', 'text/plain'],
    ['table.csv', 'text/plain'],
    ['plot.png', 'image/png'],
    ['plot.PNG', 'image/png'],
    ['plot.svg', 'image/svg+xml'],
    ['page.html', 'text/html'],
    ['doc.pdf', 'application/pdf'],
    ['weights.h5', 'application/x-hdf5'],
    ['a.tar.gz', 'application/x-tar'],
    ['a.tgz', 'application/x-tar'],
    ['a.TGZ', 'application/x-tar'],
    ['a.csv.gz', 'text/csv'],
    ['a.gz', 'application/octet-stream'],
    ['a.zip', 'application/zip'],
    ['sound.wav', 'audio/x-wav'],
    ['film.mp4', 'video/mp4'],
    ['code.c', 'text/plain'],
    ['module.mjs', 'application/javascript'],
    ['lib.pyc', 'application/x-python-code'],
    ['README', 'application/octet-stream'],
    ['txt', 'text/plain'],
    ['.bashrc', 'application/octet-stream'],
    ['', 'application/octet-stream'],
  ])('of %j is %s', (path, type) => {
    expect(guessMimeType(path)).toBe(type)
  })

  it('comes with the compression, for object stores', () => {
    expect(guessType('x/a.tar.gz')).toEqual({ type: 'application/x-tar', encoding: 'gzip' })
    expect(guessType('a.txt')).toEqual({ type: 'text/plain', encoding: undefined })
    expect(guessType('a.svgz')).toEqual({ type: 'image/svg+xml', encoding: 'gzip' })
  })
})

describe('The disposition of a download', () => {
  it.each([
    ['a.txt', 'attachment; filename=a.txt'],
    ['a b.txt', 'attachment; filename="a b.txt"'],
    ['a"b\\c', 'attachment; filename="a\\"b\\\\c"'],
    ["it's!#$&+-.^_`|~", "attachment; filename=it's!#$&+-.^_`|~"],
    ['a;b,c', 'attachment; filename="a;b,c"'],
    ['', 'attachment; filename=""'],
    ['café x.png', `attachment; filename="cafe x.png"; filename*=UTF-8''caf%C3%A9%20x.png`],
    ['日本語', `attachment; filename=download; filename*=UTF-8''%E6%97%A5%E6%9C%AC%E8%AA%9E`],
    ['日本.csv', `attachment; filename=.csv; filename*=UTF-8''%E6%97%A5%E6%9C%AC.csv`],
    ["ü'()*!#", `attachment; filename="u'()*!#"; filename*=UTF-8''%C3%BC%27%28%29%2A!#`],
  ])('of %j is %s', (name, header) => {
    expect(attachmentDisposition(name)).toBe(header)
  })

  it.each([
    ['a.txt', 'attachment; filename="a.txt"'],
    ['a"b', 'attachment; filename="a\\"b"'],
    ["ü'.txt", "attachment; filename*=UTF-8''%C3%BC%27.txt"],
  ])('of %j in a signed link is %s', (name, header) => {
    expect(signedAttachmentDisposition(name)).toBe(header)
  })
})
