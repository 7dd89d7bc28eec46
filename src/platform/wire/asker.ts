// Who asks for what not everybody may: clients on the machine of the server, all, or none.
import type { IncomingHttpHeaders } from 'node:http'

/** Whether only clients on this machine may, all, or none. */
export type Access = 'loopback' | 'all' | 'off'

/** What is known of who asks. */
export interface Asker {
  address: string | undefined
  /** Whether a proxy says that it asks for somebody else. */
  isForwarded: boolean
}

/** A proxy or tunnel on this machine adds some of them when it asks for others. */
const FORWARDING =
  /^(?:forwarded|via|x-(?:forwarded|original)-.+|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|cf-connecting-ip|fastly-client-ip)$/

interface Request {
  raw: { socket: { remoteAddress?: string | undefined }; headers: IncomingHttpHeaders }
}

export const askerOf = ({ raw }: Request): Asker => ({
  address: raw.socket.remoteAddress,
  isForwarded: Object.keys(raw.headers).some((name) => FORWARDING.test(name)),
})

/** Whether the client is on this machine, as far as is known. */
export const isLocal = ({ address, isForwarded }: Asker): boolean => !isForwarded && isLoopback(address)

const isLoopback = (address = ''): boolean => /^(::ffff:)?127\.|^::1$/.test(address)
