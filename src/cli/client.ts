// How commands reach a running server.
import type { ClientConfig } from '../client-config.ts'

/** The URL of a path of the server, and the headers of a request; `fetch` takes no user and password in a URL. */
export function addressOf({ trackingUri, username, password, token }: ClientConfig, path: string) {
  const url = new URL(`${trackingUri.replace(/\/+$/, '')}/${path}`)
  const user = username ?? decodeURIComponent(url.username)
  const secret = password ?? decodeURIComponent(url.password)
  url.username = ''
  url.password = ''
  const basic = user && `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`
  const authorization = token ? `Bearer ${token}` : basic
  const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) }
  return { url, headers }
}
