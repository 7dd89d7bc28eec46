// URIs as Python's urllib takes them; the expected values are its own.
import { describe, expect, it } from 'vitest'
import {
  appendToUriPath,
  directoryName,
  formatUri,
  parseUri,
  resolveUriIfLocal,
} from '../../../src/platform/wire/uri.ts'

describe('parseUri', () => {
  it.each([
    ['s3://b/p/q?x=1#f', { scheme: 's3', netloc: 'b', path: '/p/q', query: 'x=1', fragment: 'f' }],
    ['http://h/a;p?q', { scheme: 'http', netloc: 'h', path: '/a', params: 'p', query: 'q' }],
    ['a;b/c;d', { path: 'a;b/c', params: 'd' }],
    ['FILE:x', { scheme: 'file', path: 'x' }],
    ['1a:b', { path: '1a:b' }],
    [' \u0001a\tb\n', { path: 'ab' }],
    ['//h/x', { netloc: 'h', path: '/x' }],
  ])('takes %j apart', (text, parts) => {
    const absent = { scheme: '', netloc: '', path: '', params: '', query: '', fragment: '' }
    expect(parseUri(text)).toEqual({ ...absent, ...parts })
  })

  it.each([
    ['file:x', 'file:///x'],
    ['http:/x', 'http:///x'],
    ['s3:/x', 's3:/x'],
    ['x?', 'x'],
    ['a;b?c#d', 'a;b?c#d'],
  ])('and formatUri spell %j as %j', (text, spelled) => {
    expect(formatUri(parseUri(text))).toBe(spelled)
  })
})

describe('appendToUriPath', () => {
  it.each([
    [
      's3://root/base/path?param=value',
      ['some/subpath', '/anotherpath'],
      's3://root/base/path/some/subpath/anotherpath?param=value',
    ],
    ['a/posix/path', ['/some', 'subpath'], 'a/posix/path/some/subpath'],
    ['mlflow-artifacts:/', ['1', 'artifacts'], 'mlflow-artifacts:/1/artifacts'],
    ['mlflow-artifacts:', ['1'], 'mlflow-artifacts:1'],
    ['file:relative', ['x'], 'file:relative/x'],
    ['file:///abs/', ['x'], 'file:///abs/x'],
    ['s3://bucket', ['x'], 's3://bucket/x'],
    ['/folder', ['x'], '/folder/x'],
    ['', ['x'], 'x'],
  ])('to %j appends %j', (uri, paths, whole) => {
    expect(appendToUriPath(uri, ...paths)).toBe(whole)
  })

  it.each(['s3://b/p?x=../y', 's3://b/p?%2e%2e', 's3://b/p?%252e%252e'])('refuses %s', (uri) => {
    expect(() => appendToUriPath(uri, 'x')).toThrow('Invalid query string')
  })
})

describe('resolveUriIfLocal', () => {
  it.each([
    ['mlruns', '/home/me/mlruns'],
    ['./a/../b', '/home/me/b'],
    ['/abs', '/abs'],
    ['file:mlruns', 'file:///home/me/mlruns'],
    ['file:///abs', 'file:///abs'],
    ['s3://b/x', 's3://b/x'],
    ['mlflow-artifacts:/', 'mlflow-artifacts:/'],
  ])('takes %j as %j', (uri, resolved) => {
    expect(resolveUriIfLocal(uri, '/home/me')).toBe(resolved)
  })
})

describe('directoryName', () => {
  it.each([
    ['a/b', 'a'],
    ['a//b', 'a'],
    ['b', ''],
    ['/b', '/'],
    ['a/b/', 'a/b'],
  ])('of %j is %j', (path, folder) => {
    expect(directoryName(path)).toBe(folder)
  })
})
