// URIs as Python's urllib.parse takes them apart and joins them: clients and stored locations follow its rules.
import { isAbsolute, resolve } from 'node:path'
import { invalidParameter } from '../../errors.ts'

/** The six parts of a URI; absent parts are empty texts. The scheme is in lower case. */
export interface Uri {
  scheme: string
  netloc: string
  path: string
  params: string
  query: string
  fragment: string
}

const SCHEMES_WITH_NETLOC = new Set(
  ',ftp,http,gopher,nntp,telnet,imap,wais,file,mms,https,shttp,snews,prospero,rtsp,rtsps,rtspu,rsync,svn,svn+ssh,sftp,nfs,git,git+ssh,ws,wss'.split(
    ',',
  ),
)
const SCHEMES_WITH_PARAMS = new Set(
  ',ftp,hdl,prospero,http,imap,https,shttp,rtsp,rtsps,rtspu,sip,sips,mms,sftp,tel'.split(','),
)

/**
 * Takes a URI or a plain path apart. Leading blanks and control characters, and every tab and line break,
 * are dropped.
 * @throws INVALID_PARAMETER_VALUE when brackets of the host do not match
 * @see urllib.parse.urlparse
 */
export function parseUri(text: string): Uri {
  let rest = text.replace(/^[\u0000-\u0020]+/, '').replace(/[\t\r\n]/g, '')
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(rest)?.[1] ?? ''
  if (scheme) rest = rest.slice(scheme.length + 1)
  let netloc = ''
  if (rest.startsWith('//')) {
    netloc = /^[^/?#]*/.exec(rest.slice(2))?.[0] ?? ''
    rest = rest.slice(2 + netloc.length)
    if (netloc.includes('[') !== netloc.includes(']')) throw invalidParameter('Invalid path')
  }
  const [beforeFragment, fragment] = cut(rest, rest.indexOf('#'))
  const [whole, query] = cut(beforeFragment, beforeFragment.indexOf('?'))
  const hasParams = SCHEMES_WITH_PARAMS.has(scheme.toLowerCase())
  const [path, params] = hasParams ? cut(whole, whole.indexOf(';', whole.lastIndexOf('/') + 1)) : [whole, '']
  return { scheme: scheme.toLowerCase(), netloc, path, params, query, fragment }
}

const cut = (text: string, at: number): [string, string] =>
  at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]

/**
 * Joins the parts again; a text that was parsed may come back in another, equivalent spelling.
 * @see urllib.parse.urlunparse
 */
export function formatUri(uri: Uri): string {
  let text = uri.params ? `${uri.path};${uri.params}` : uri.path
  const wantsNetloc = uri.scheme !== '' && SCHEMES_WITH_NETLOC.has(uri.scheme) && !text.startsWith('//')
  if (uri.netloc || wantsNetloc) {
    if (text && !text.startsWith('/')) text = `/${text}`
    text = `//${uri.netloc}${text}`
  }
  if (uri.scheme) text = `${uri.scheme}:${text}`
  if (uri.query) text = `${text}?${uri.query}`
  return uri.fragment ? `${text}#${uri.fragment}` : text
}

/**
 * Replaces %XX escapes by the UTF-8 text they spell; bytes that are no UTF-8 become U+FFFD, broken escapes stay.
 * @see urllib.parse.unquote
 */
export const unquote = (text: string): string =>
  text.replace(/(?:%[0-9a-fA-F]{2})+/g, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  )

/** Joins POSIX paths; an absolute second part is taken whole. @see posixpath.join */
export function joinPath(first: string, second: string): string {
  if (second.startsWith('/') || first === '') return second
  return first.endsWith('/') ? first + second : `${first}/${second}`
}

/** What follows the last slash. @see posixpath.basename */
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** What stands before the last slash, without trailing slashes. @see posixpath.dirname */
export function directoryName(path: string): string {
  const head = path.slice(0, path.lastIndexOf('/') + 1)
  return /[^/]/.test(head) ? head.replace(/\/+$/, '') : head
}

/** Rounds of decoding after which a text that still changes is given up. */
const MAX_DECODE_ROUNDS = 10

/**
 * Decodes escapes until nothing changes, so that no nested spelling hides anything; undefined for a text that
 * does not settle or that holds NUL.
 * @see mlflow/utils/uri.py _decode
 */
export function unquoteAll(text: string): string | undefined {
  let current = text
  for (let round = 0; round < MAX_DECODE_ROUNDS; round++) {
    const unquoted = unquote(current)
    if (unquoted.includes('\u0000')) return undefined
    const next = formatUri(parseUri(unquoted))
    if (next === current) return current
    current = next
  }
  return undefined
}

/** @throws INVALID_PARAMETER_VALUE when a query string could climb @see mlflow/utils/uri.py validate_query_string */
export function validateQueryString(query: string): void {
  const decoded = unquoteAll(query)
  if (decoded === undefined || decoded.includes('..')) throw invalidParameter('Invalid query string')
}

// Unlike joinPath, an absolute suffix is appended, not taken whole.
const appendPath = (prefix: string, suffix: string) =>
  prefix === '' ? suffix : joinPath(prefix, suffix.replace(/^\/+/, ''))

/**
 * Appends paths to the path part of a URI, before its query: `s3://b/p?x=1` + `a` gives `s3://b/p/a?x=1`.
 * @throws INVALID_PARAMETER_VALUE when the query holds `..`
 * @see mlflow/utils/uri.py append_to_uri_path
 */
export function appendToUriPath(uri: string, ...paths: string[]): string {
  const suffix = paths.reduce(appendPath, '')
  const parsed = parseUri(uri)
  validateQueryString(parsed.query)
  if (parsed.scheme === '') return appendPath(uri, suffix)
  const path = appendPath(parsed.path, suffix)
  if (parsed.path.startsWith('/')) return formatUri({ ...parsed, path })
  return `${parsed.scheme}:${formatUri({ ...parsed, scheme: '', path })}`
}

/**
 * A relative folder (`mlruns`, `file:mlruns`) made absolute; every other location unchanged.
 * @see mlflow/utils/uri.py resolve_uri_if_local
 */
export function resolveUriIfLocal(uri: string, workingFolder: string): string {
  const parsed = parseUri(uri)
  if (parsed.scheme === '') return isAbsolute(uri) ? uri : resolve(workingFolder, uri)
  if (parsed.scheme !== 'file' || parsed.netloc || isAbsolute(parsed.path)) return uri
  return formatUri({ ...parsed, path: resolve(workingFolder, parsed.path) })
}
