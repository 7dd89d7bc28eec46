// Where webhooks may lead: the check of their URLs, and the resolver that connections use.
import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isIP } from 'node:net'
import { invalidParameter } from '../../errors.ts'
import { pythonRepr } from '../../platform/wire/python.ts'
import { parseUri, type Uri } from '../../platform/wire/uri.ts'
import { createPublicAddressCheck } from './public-addresses.ts'

const RESOLUTION_TIMEOUT_MS = 5_000
/** Resolutions that one server waits for at a time: each holds one of the few threads of Node.js. */
const MAX_RESOLUTIONS = 32

export interface TargetPolicy {
  /** Schemes of URLs, in lower case. */
  allowedSchemes: readonly string[]
  /** Lets webhooks reach addresses that are not public. */
  allowPrivateIps: boolean
}

/** Raised when a host leads to an address that webhooks must not reach. Trying again is no use. */
export class ForbiddenTargetError extends Error {}

export interface Targets {
  /** @throws INVALID_PARAMETER_VALUE with MLflow's texts @see mlflow/utils/validation.py _validate_webhook_url */
  check(url: string): Promise<void>
  /**
   * The part of the check that needs no resolution: the spelling and a literal address.
   * @throws INVALID_PARAMETER_VALUE, ForbiddenTargetError
   */
  checkSpelling(url: string): void
  /**
   * Resolves a host for a connection, which goes to one of the addresses checked here and to no other: a name that
   * is resolved anew would lead somewhere else. @see mlflow/webhooks/ssrf.py
   */
  lookup: LookupFunction
}

export function createTargets(policy: TargetPolicy): Targets {
  const isPublic = createPublicAddressCheck()
  const mayReach = (address: string) => policy.allowPrivateIps || isPublic(address)
  let resolutions = 0

  async function resolve(hostname: string): Promise<string[]> {
    if (resolutions >= MAX_RESOLUTIONS) {
      throw invalidParameter(
        `Timed out waiting to resolve Webhook URL hostname ${pythonRepr(hostname)} because too many hostname resolutions are already in progress`,
      )
    }
    resolutions++
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(
          invalidParameter(
            `Timed out resolving Webhook URL hostname ${pythonRepr(hostname)} after ${RESOLUTION_TIMEOUT_MS / 1000} seconds`,
          ),
        )
      }, RESOLUTION_TIMEOUT_MS)
    })
    const resolved = lookUpAll(hostname).finally(() => resolutions--)
    return Promise.race([resolved, timeout]).finally(() => clearTimeout(timer))
  }

  return {
    async check(url) {
      const { hostname, address: literal } = readHost(url, policy.allowedSchemes)
      if (policy.allowPrivateIps) return
      for (const address of literal ? [literal] : await resolve(hostname)) {
        if (mayReach(address)) continue
        throw invalidParameter(
          `Webhook URL must not resolve to a non-public IP address. ${pythonRepr(hostname)} resolves to ${address}.`,
        )
      }
    },
    checkSpelling(url) {
      const { address } = readHost(url, policy.allowedSchemes)
      if (!URL.canParse(url)) throw new ForbiddenTargetError('No connection can be made to this URL.')
      if (address && !mayReach(address)) throw forbidden(address)
    },
    lookup: (hostname, options, callback) => {
      lookup(hostname, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, [])
        const bad = addresses.find(({ address }) => !mayReach(address))
        if (bad) return callback(forbidden(bad.address), [])
        const [first] = addresses
        if (options.all || !first) return callback(null, addresses)
        callback(null, first.address, first.family)
      })
    },
  }
}

const forbidden = (address: string) =>
  new ForbiddenTargetError(`Webhook connection blocked: ${address} is not a public IP address.`)

/** The host of a URL as it is spelled, and the address that it is meant to be unless it is a name. */
function readHost(url: string, schemes: readonly string[]): { hostname: string; address?: string } {
  if (url.trim() === '') {
    throw invalidParameter(`Webhook URL cannot be empty or just whitespace: ${pythonRepr(url)}`)
  }
  const { scheme, netloc } = parseWebhookUrl(url)
  if (!schemes.includes(scheme)) {
    throw invalidParameter(
      `Invalid webhook URL scheme: ${pythonRepr(scheme)}. Allowed schemes are: ${schemes.join(', ')}.`,
    )
  }
  const authority = netloc.slice(netloc.lastIndexOf('@') + 1)
  const hostname = (/^\[(.*)\]/.exec(authority)?.[1] ?? authority.replace(/:.*$/, '')).toLowerCase()
  if (!hostname) throw invalidParameter(`Webhook URL must include a hostname: ${pythonRepr(url)}`)
  // Stock takes it, too; no event gets through.
  if (!URL.canParse(url)) return { hostname }
  // Connections follow this reading, for which `127.1` and the like are addresses too.
  const meant = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')
  return isIP(meant) ? { hostname, address: meant } : { hostname }
}

/** @see urllib.parse.urlsplit, whose errors MLflow repeats */
function parseWebhookUrl(url: string): Uri {
  const invalid = (reason: string) =>
    invalidParameter(`Invalid webhook URL ${pythonRepr(url)}: ValueError(${reason})`)
  let uri: Uri
  try {
    uri = parseUri(url)
  } catch {
    throw invalid("'Invalid IPv6 URL'")
  }
  const bracketed = /\[(.*)\]/.exec(uri.netloc)?.[1]
  if (bracketed !== undefined && !isIP(bracketed))
    throw invalid(`"${pythonRepr(bracketed)} does not appear to be an IPv4 or IPv6 address"`)
  // Stock stores such a webhook, which nothing can ever be sent to.
  if (Number(/:(\d+)$/.exec(uri.netloc)?.[1] ?? 0) > 65_535) throw invalid("'Port out of range 0-65535'")
  return uri
}

const GAI_ERRORS: Record<string, string> = {
  ENOTFOUND: '[Errno -2] Name or service not known',
  EAI_AGAIN: '[Errno -3] Temporary failure in name resolution',
}

function lookUpAll(hostname: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    lookup(hostname, { all: true }, (error, addresses) => {
      if (!error) return resolve(addresses.map(({ address }) => address))
      const reason = GAI_ERRORS[error.code ?? ''] ?? error.code
      reject(invalidParameter(`Cannot resolve Webhook URL hostname ${pythonRepr(hostname)}: ${reason}`))
    })
  })
}
