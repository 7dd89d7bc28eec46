// Which hosts and web origins the server answers, and the headers that tell browsers so.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** @see mlflow/server/fastapi_security.py init_fastapi_security */
export interface SecurityOptions {
  /** Host headers, with `*` as wildcard; empty for localhost and private addresses. */
  allowedHosts: readonly string[]
  /** Web origins besides localhost, with `*` as wildcard. */
  allowedOrigins: readonly string[]
  /** Value of X-Frame-Options; NONE for no header. */
  xFrameOptions: string
  /** Whether pages of the UI may show what comes from other sites. */
  uiExternalContent?: boolean
}

const INVALID_HOST = 'Invalid Host header - possible DNS rebinding attack detected'
const CORS_BLOCKED = 'Cross-origin request blocked'
const STATE_CHANGING = new Set(['POST', 'PUT', 'DELETE', 'PATCH'])
const METHODS = 'GET, POST, PUT, DELETE, OPTIONS, PATCH'
const PREFLIGHT_SECONDS = 600
/** Probes reach the server by whatever name the platform gives it. */
const ANY_HOST = new Set(['/health', '/version', '/ready'])
/** A page of notebooks shows it in a frame. @see mlflow/tracing/constant.py TRACE_RENDERER_ASSET_PATH */
const FRAMED_ANYWHERE = '/static-files/lib/notebook-trace-renderer'

/** The routes of the web UI. */
const UI_ROUTES = new Set(['/', '/static-files/*'])
/**
 * What pages of the UI may load and call: this server alone. An HTML artifact is shown in a frame without an origin that
 * inherits all this. For its sake scripts may be inline and evaluated (Plotly, Bokeh and Altair write such pages); handlers in
 * attributes, which injected markup would bring, may not. Where that is allowed, pictures of notes and what HTML artifacts
 * load may come from other sites, too.
 */
function uiPolicy(isExternalAllowed: boolean): string {
  const elsewhere = isExternalAllowed ? ' https:' : ''
  return [
    "default-src 'self'",
    `script-src 'self' 'unsafe-inline' 'unsafe-eval'${elsewhere}`,
    "script-src-attr 'none'",
    `style-src 'self' 'unsafe-inline'${elsewhere}`,
    `font-src 'self' data:${elsewhere}`,
    `img-src 'self' data: blob:${elsewhere}`,
    "media-src 'self' data: blob:",
    "connect-src 'self' data: blob:",
    "worker-src 'self' blob:",
    "frame-src 'self' data: blob:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
  ].join('; ')
}

/** The routes of the console. */
const CONSOLE_ROUTES = new Set(['/crateflow', '/crateflow/*'])
/** What its pages may load and call: this server alone, nothing inline. */
const CONSOLE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
].join('; ')

/** Who may frame the UI, by X-Frame-Options. */
const FRAME_ANCESTORS = new Map([
  ['SAMEORIGIN', "; frame-ancestors 'self'"],
  ['DENY', "; frame-ancestors 'none'"],
])

const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]', '0.0.0.0']
const LOCAL_ORIGIN_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]'])
const LOCAL_ORIGIN = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?$/

/** @see mlflow/server/security_utils.py get_default_allowed_hosts */
export const DEFAULT_ALLOWED_HOSTS: readonly string[] = [
  ...LOCAL_HOSTS,
  ...LOCAL_HOSTS.map((host) => `${host.replace('[', '[[]')}:*`),
  ...['192.168.*', '10.*'],
  ...Array.from({ length: 16 }, (_, index) => `172.${16 + index}.*`),
  ...['fc00:*', 'fd00:*'],
]

/**
 * Checks hosts and origins of every request and adds the security headers to every answer.
 * @see mlflow/server/fastapi_security.py
 */
export function registerSecurity(app: FastifyInstance, options: SecurityOptions): void {
  const isHost = createHostMatcher(
    options.allowedHosts.length > 0 ? options.allowedHosts : DEFAULT_ALLOWED_HOSTS,
  )
  const isOrigin = createMatcher(options.allowedOrigins)
  const anyOrigin = options.allowedOrigins.includes('*')
  const cors: Cors = { anyOrigin, shows: (origin) => LOCAL_ORIGIN.test(origin) || isOrigin(origin) }
  const frame = options.xFrameOptions.toUpperCase()
  const policy = uiPolicy(options.uiExternalContent ?? false)

  app.addHook('onRequest', async (request, reply) => {
    const path = pathOf(request)
    // The route, not the path as sent: the router also finds it by a path with encoded letters.
    const route = request.routeOptions.url ?? ''
    reply.header('x-content-type-options', 'nosniff')
    const isFramed = path.startsWith(FRAMED_ANYWHERE)
    if (frame !== 'NONE' && frame !== '' && !isFramed) reply.header('x-frame-options', frame)
    if (UI_ROUTES.has(route) || CONSOLE_ROUTES.has(route)) {
      const ancestors = isFramed ? '' : (FRAME_ANCESTORS.get(frame) ?? '')
      reply.header(
        'content-security-policy',
        (CONSOLE_ROUTES.has(route) ? CONSOLE_POLICY : policy) + ancestors,
      )
    }
    if (!ANY_HOST.has(route) && !hostsOf(request).every(isHost)) {
      request.log.warn('Rejected a request for a host that --allowed-hosts does not name')
      return reply.code(403).type('text/plain').send(INVALID_HOST)
    }
    const { origin } = request.headers
    if (!anyOrigin) reply.header('vary', 'Origin')
    if (request.method === 'OPTIONS') return answerOptions(request, reply, cors, path)
    if (origin === undefined) return
    allowOrigin(reply, origin, cors)
    if (anyOrigin || !isApi(route) || !STATE_CHANGING.has(request.method)) return
    if (isLocalOrigin(origin) || isOrigin(origin)) return
    request.log.warn('Blocked a cross-origin request')
    return reply.code(403).type('text/plain').send(CORS_BLOCKED)
  })
}

interface Cors {
  anyOrigin: boolean
  /** Whether pages of the origin may see answers. */
  shows: (origin: string) => boolean
}

/** Lets the browser show the answer to pages of the origin, if it may see it. */
function allowOrigin(reply: FastifyReply, origin: string, cors: Cors): boolean {
  reply.header('access-control-expose-headers', '*')
  if (cors.anyOrigin) {
    reply.header('access-control-allow-origin', '*')
    return true
  }
  reply.header('access-control-allow-credentials', 'true')
  const allowed = cors.shows(origin)
  if (allowed) reply.header('access-control-allow-origin', origin)
  return allowed
}

/** A browser's question before a cross-origin request, or a plain OPTIONS. */
function answerOptions(request: FastifyRequest, reply: FastifyReply, cors: Cors, path: string): FastifyReply {
  const { origin } = request.headers
  const allowed = origin !== undefined && allowOrigin(reply, origin, cors)
  if (origin === undefined || request.headers['access-control-request-method'] === undefined) {
    return reply
      .code(isApi(path) ? 204 : 200)
      .header('allow', METHODS)
      .send()
  }
  const headers = request.headers['access-control-request-headers']
  reply.removeHeader('access-control-expose-headers')
  reply
    .header('vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers')
    .header('access-control-allow-methods', METHODS)
    .header('access-control-max-age', PREFLIGHT_SECONDS)
    .type('text/plain; charset=utf-8')
  if (!allowed) return reply.code(400).send('Disallowed CORS origin')
  if (headers !== undefined) reply.header('access-control-allow-headers', headers)
  return reply.code(200).send('OK')
}

const pathOf = (request: FastifyRequest) => (request.raw.url ?? '').split('?', 1)[0] ?? ''

/** The hosts that a request names: a proxy in front may have looked at another one than Node.js does. */
function hostsOf({ originalUrl, raw: { rawHeaders } }: FastifyRequest): string[] {
  const hosts: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.length === 4 && rawHeaders[i]?.toLowerCase() === 'host')
      hosts.push(rawHeaders[i + 1] ?? '')
  const [, absolute] = originalUrl.startsWith('/') ? [] : (/^https?:\/\/([^/?#]*)/i.exec(originalUrl) ?? [])
  if (absolute !== undefined) hosts.push(absolute)
  return hosts.length > 0 ? hosts : ['']
}

const isApi = (path: string) =>
  path.startsWith('/api/') || path.startsWith('/ajax-api/') || path === '/graphql'

/** Pages of this machine may call the API, whatever their scheme and port. */
function isLocalOrigin(origin: string): boolean {
  try {
    return LOCAL_ORIGIN_HOSTS.has(new URL(origin).hostname)
  } catch {
    return false
  }
}

/** Like `createMatcher`, but letters' case is nothing, and a pattern without a port allows the host on any. */
export function createHostMatcher(patterns: readonly string[]): (host: string) => boolean {
  const matches = createMatcher(patterns.map((pattern) => pattern.toLowerCase()))
  return (host) => matches(host.toLowerCase()) || matches(host.toLowerCase().replace(/:\d+$/, ''))
}

/** Patterns with `*` are matched as Python's fnmatch does, all others exactly; nothing matches an empty text. */
export function createMatcher(patterns: readonly string[]): (value: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const wild = patterns.filter((pattern) => pattern.includes('*')).map(fnmatch)
  return (value) => value !== '' && (exact.has(value) || wild.some((pattern) => pattern.test(value)))
}

function fnmatch(pattern: string): RegExp {
  const source = pattern.replace(/\[(!?)([^\]]+)\]|[\s\S]/g, (token, not?: string, set?: string) => {
    if (set !== undefined) return `[${not && '^'}${set.replace(/[\\^[\]]/g, '\\$&')}]`
    if (token === '*') return '.*'
    return token === '?' ? '.' : token.replace(/[\\^$.+()[\]{}|]/g, '\\$&')
  })
  return new RegExp(`^${source}$`, 's')
}
