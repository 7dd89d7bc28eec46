// Settings of commands that ask a running server, or its database.
import { z } from 'zod'
import { environmentText, settings, text } from './settings.ts'

/** How commands reach a server that runs, by the names of the stock client. */
export const ClientConfigSchema = z.object({
  trackingUri: z
    .url({ protocol: /^https?$/, error: 'must be the http or https URL of a running server' })
    .default('http://127.0.0.1:5000')
    .register(settings, {
      group: 'Network',
      flags: '--tracking-uri <uri>',
      env: 'MLFLOW_TRACKING_URI',
      help: 'The running server to ask.',
    }),
  username: environmentText('MLFLOW_TRACKING_USERNAME', 'User, for a proxy that asks for one.'),
  password: environmentText('MLFLOW_TRACKING_PASSWORD', 'Password of that user.'),
  token: environmentText('MLFLOW_TRACKING_TOKEN', 'Bearer token, for a proxy that asks for one.'),
})

export type ClientConfig = z.output<typeof ClientConfigSchema>

/** Settings of `sql`. */
export const SqlConfigSchema = ClientConfigSchema.extend({
  trackingUri: ClientConfigSchema.shape.trackingUri.unwrap().optional().register(settings, {
    group: 'Network',
    flags: '--tracking-uri <uri>',
    env: 'MLFLOW_TRACKING_URI',
    help: 'The running server to ask (default: http://127.0.0.1:5000).',
  }),
  backendStoreUri: text().optional().register(settings, {
    group: 'Storage',
    flags: '--backend-store-uri <uri>',
    env: 'MLFLOW_BACKEND_STORE_URI',
    help: 'The database to ask instead of a server: cratedb:, postgresql:, or pglite:<folder> while no server has it open.',
  }),
})

export type SqlConfig = z.output<typeof SqlConfigSchema>
