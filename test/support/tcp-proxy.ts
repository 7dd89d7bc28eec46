// A TCP proxy that tests cut and mend, to take a database away from a running server.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  port: number
  /** Breaks all connections and refuses new ones. */
  cut: () => Promise<void>
  /** Takes connections again, on the same port. */
  mend: () => Promise<void>
  /** Takes connections and bytes but passes nothing on, as a database does that hangs. */
  stall: () => void
  /** Passes on again, what came in between too. */
  flow: () => void
  close: () => Promise<void>
}

/** Forwards connections on a free port of 127.0.0.1 to the target. */
export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const pairs = new Set<[Socket, Socket]>()
  let isStalled = false
  const join = ([client, upstream]: [Socket, Socket]) => client.pipe(upstream).pipe(client)
  const server = createServer((client) => {
    const upstream = connect(target)
    const pair: [Socket, Socket] = [client, upstream]
    pairs.add(pair)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        pairs.delete(pair)
        client.destroy()
        upstream.destroy()
      })
    }
    if (!isStalled) join(pair)
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo
  const cut = () =>
    new Promise<void>((resolve) => {
      if (!server.listening) return resolve()
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  const stall = () => {
    isStalled = true
    for (const [client, upstream] of pairs) {
      client.unpipe(upstream).pause()
      upstream.unpipe(client).pause()
    }
  }
  const flow = () => {
    isStalled = false
    for (const pair of pairs) join(pair)
  }
  return { port, cut, mend: () => listen(port), stall, flow, close: cut }
}
