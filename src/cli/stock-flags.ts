// Flags of `mlflow server` that mean nothing here: harmless ones are named and ignored, all others are refused.
import { type Command, Option } from 'commander'
import type { Environment } from '../config.ts'
import { invalidParameter } from '../errors.ts'

interface StockFlag {
  flags: string
  env?: string
  /** The text of a warning, or an Error that ends the program. */
  judge: (value: string | boolean) => string | Error
}

const ignored = (why: string) => () => why
const refused = (why: string) => () => invalidParameter(why)

/** TLS that silently went missing would be a breach; everything else tunes a server that is not there. */
const serverOptions = (name: string) => (value: string | boolean) =>
  /ssl|certfile|keyfile/i.test(String(value))
    ? invalidParameter(
        `${name} asks for TLS, which Crateflow does not serve itself. Put a proxy that ends TLS in front of it.`,
      )
    : `${name} is ignored: Crateflow is one Node.js process without a WSGI or ASGI server.`

const STOCK_FLAGS: readonly StockFlag[] = [
  { flags: '--gunicorn-opts <opts>', env: 'MLFLOW_GUNICORN_OPTS', judge: serverOptions('--gunicorn-opts') },
  { flags: '--waitress-opts <opts>', judge: serverOptions('--waitress-opts') },
  { flags: '--uvicorn-opts <opts>', env: 'MLFLOW_UVICORN_OPTS', judge: serverOptions('--uvicorn-opts') },
  { flags: '--dev', judge: ignored('--dev is ignored: use --log-level debug for more log lines.') },
  {
    flags: '--read-replica-backend-store-uri <uri>',
    env: 'MLFLOW_READ_REPLICA_BACKEND_STORE_URI',
    judge: ignored(
      '--read-replica-backend-store-uri is ignored: all reads go to the backend store. Name several CrateDB hosts in --backend-store-uri to spread them.',
    ),
  },
  {
    flags: '--app-name <name>',
    judge: refused(
      '--app-name is not supported: there is no app but the tracking server, and no basic-auth.',
    ),
  },
  {
    flags: '--trace-archival-config <path>',
    env: 'MLFLOW_TRACE_ARCHIVAL_CONFIG',
    judge: refused('--trace-archival-config is not supported: Crateflow does not archive traces.'),
  },
  {
    flags: '--secrets-cache-ttl <seconds>',
    judge: ignored('--secrets-cache-ttl is ignored: Crateflow keeps no secrets.'),
  },
  {
    flags: '--secrets-cache-max-size <n>',
    judge: ignored('--secrets-cache-max-size is ignored: Crateflow keeps no secrets.'),
  },
  {
    flags: '--workspace-store-uri <uri>',
    env: 'MLFLOW_WORKSPACE_STORE_URI',
    judge: ignored('Ignoring --workspace-store-uri because workspaces are not enabled.'),
  },
  {
    flags: '--enable-workspaces',
    env: 'MLFLOW_ENABLE_WORKSPACES',
    judge: (value) =>
      value === true || /^(true|1|yes|y|on|t)$/i.test(String(value))
        ? invalidParameter('--enable-workspaces is not supported: Crateflow has no workspaces.')
        : '',
  },
  { flags: '--disable-workspaces', judge: ignored('') },
]

/** Takes the flags without showing them in `--help`. */
export function addStockFlags(command: Command): void {
  for (const { flags } of STOCK_FLAGS) command.addOption(new Option(flags).hideHelp())
}

/**
 * Warnings about the flags and variables that were given.
 * @throws INVALID_PARAMETER_VALUE for those that ask for what this server does not do
 */
export function judgeStockFlags(command: Command, env: Environment): string[] {
  const warnings = STOCK_FLAGS.map(({ flags, env: name, judge }) => {
    const given = command.getOptionValue(new Option(flags).attributeName())
    const value = given ?? (name && env[name])
    const verdict = value ? judge(value) : ''
    if (verdict instanceof Error) throw verdict
    return verdict
  })
  return warnings.filter(Boolean)
}
