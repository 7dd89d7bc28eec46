// Stock MLflow's server as the reference that answers are compared with.

import { type HttpAnswer, sendHttp } from './http.ts'
import { useService } from './services.ts'

export interface StockServer {
  url: string
  request: (method: string, path: string, body?: unknown) => Promise<HttpAnswer>
}

/** The stock server of the run, started at the first call. Its experiment ids have six digits or more. */
export async function useStock(): Promise<StockServer> {
  const { url } = await useService('stock')
  return { url, request: (method, path, body) => sendHttp(url, method, path, body) }
}
