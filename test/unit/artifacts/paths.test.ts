// Which paths of clients are refused, and what the others become.
import { describe, expect, it } from 'vitest'
import {
  isProxiedUri,
  proxiedDestinationPath,
  validatePathIsSafe,
  verifyArtifactFolder,
} from '../../../src/artifacts/paths.ts'
import { MlflowError } from '../../../src/errors.ts'

/** Refused by MLflow 3.17.2 too, each with INVALID_PARAMETER_VALUE "Invalid path". */
const REFUSED_BY_MLFLOW = [
  '..',
  '../x',
  'x/..',
  'x/../y',
  'a/../../b',
  '../',
  'x/../',
  '%2e%2e/x',
  '%2E%2E%2Fx',
  '..%2fx',
  '.%2e/x',
  '%2e./x',
  'x/%2e%2e%2f%2e%2e',
  '%252e%252e/x',
  '%252e%252e%252fx',
  '%25252e%25252e%25252fx',
  '%2525252525252525252e%2e/x',
  '/etc/passwd',
  '//etc/passwd',
  '%2fetc%2fpasswd',
  '%252fetc%252fpasswd',
  '//host/share',
  'C:/x',
  'C:\\x',
  'c:%5cx',
  '%43%3a/x',
  'a:/b',
  '\\\\host\\share',
  '%5c%5chost%5cshare',
  'file:///etc/passwd',
  'file:/etc/passwd',
  'file:etc/passwd',
  'file%3a///etc/passwd',
  'file://host/etc/passwd',
  'FILE:///etc/passwd',
  'file:..%2f..%2fetc',
  'http://e/..%2fx',
  'x#y',
  '\t..',
  '..\n',
  '.\t./x',
  ' ../x',
  '\u0001../x',
]

/** MLflow takes these for odd file names, or fails with an internal error. */
const REFUSED_BY_US_ALONE = [
  '..\\x',
  'x\\..\\y',
  '%5c..%5cx',
  '\\x',
  '\u0000',
  'x\u0000.txt',
  'x%00',
  'x%2500.txt',
  '..%00/x',
  '\u2025/x',
  '\uff0e\uff0e/x',
  'x/\uff0e\uff0e',
  '.. /x',
  '%25c0%25ae%25c0%25ae/x',
  '%c0%af',
  '\ud800',
]

describe('a client path', () => {
  it.each([...REFUSED_BY_MLFLOW, ...REFUSED_BY_US_ALONE])('is refused when it is %j', (path) => {
    const refused = () => validatePathIsSafe(path)
    expect(refused).toThrow(MlflowError)
    expect(refused).toThrow(
      expect.objectContaining({ code: 'INVALID_PARAMETER_VALUE', message: 'Invalid path' }),
    )
  })

  it.each([
    'model/MLmodel',
    'a b.txt',
    'a%20b.txt',
    '100%',
    '%zz',
    'a%2525b',
    'x%23y',
    'x/%ff',
    'i%step%1%de53f40d.png',
    'x?y',
    'x;y',
    '...',
    'x/.../y',
    './x',
    'x//y',
    '~/x',
    'x/C:/y',
    'x:y',
    'C:x',
    'http:/x',
    's3://b/k',
    '日本語／資料.txt',
    'e\u0301.txt',
    '',
  ])('is taken as it is: %j', (path) => {
    expect(validatePathIsSafe(path)).toBe(path)
  })

  it.each(['x\u0007', 'x\n', 'a\tb', 'a\u007f'])('must not hold the control character in %j', (path) => {
    expect(() => validatePathIsSafe(path)).toThrow('must not contain control characters')
  })
})

describe('a folder to write to', () => {
  it.each(['', 'a', 'a/b', '.hidden', 'a/...'])('may be %j', (folder) => {
    expect(() => verifyArtifactFolder(folder)).not.toThrow()
  })

  it.each([
    ['a/.', "'a'"],
    ['a//b', "'a/b'"],
    ['.', "'.'"],
    ['..;', "'..;'"],
  ])('may not be spelled %j', (folder, resolved) => {
    expect(() => verifyArtifactFolder(folder)).toThrow(
      `Invalid artifact path: '${folder}'. Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to ${resolved}`,
    )
  })
})

describe('a proxied location', () => {
  it.each([
    ['mlflow-artifacts:/1/abc/artifacts', '1/abc/artifacts'],
    ['mlflow-artifacts:///1/abc/artifacts', '1/abc/artifacts'],
    ['mlflow-artifacts://host:5000/1/abc/artifacts', '1/abc/artifacts'],
    ['http://host/api/2.0/mlflow-artifacts/artifacts/1/abc/artifacts', '1/abc/artifacts'],
    ['https://host/prefix/api/2.0/mlflow-artifacts/artifacts//1/abc', '1/abc'],
    ['mlflow-artifacts:/', ''],
  ])('%s lies at %j below the destination', (uri, path) => {
    expect(isProxiedUri(uri)).toBe(true)
    expect(proxiedDestinationPath(uri)).toBe(path)
  })

  it('is joined with a path of its run', () => {
    expect(proxiedDestinationPath('mlflow-artifacts:/1/abc/artifacts', 'model/MLmodel')).toBe(
      '1/abc/artifacts/model/MLmodel',
    )
  })

  it('is refused when its URL is no artifact endpoint', () => {
    expect(() => proxiedDestinationPath('http://host/elsewhere')).toThrow('No artifact endpoint')
  })

  it.each(['s3://bucket/x', '/folder', 'file:///folder', 'gs://b'])('is not %s', (uri) => {
    expect(isProxiedUri(uri)).toBe(false)
  })
})
