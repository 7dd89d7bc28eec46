import { describe, expect, it } from 'vitest'
import { ArtifactConfigSchema, readConfig, ServerConfigSchema } from '../../src/config.ts'
import { settingOf } from '../../src/settings.ts'

const read = (flags: Record<string, string | boolean>, env: Record<string, string> = {}) =>
  readConfig(ServerConfigSchema, flags, env)

describe('the configuration', () => {
  it('follows mlflow server where nothing is given', () => {
    expect(read({})).toMatchObject({
      backendStoreUri: 'pglite:./crateflow-data/store',
      artifactsDestination: './crateflow-data/artifacts',
      serveArtifacts: true,
      artifactsOnly: false,
      migrate: true,
      host: '127.0.0.1',
      port: 5000,
      xFrameOptions: 'SAMEORIGIN',
      disableSecurityMiddleware: false,
    })
  })

  it('puts a flag before its variable, and that before the default', () => {
    const env = { MLFLOW_PORT: '6000', MLFLOW_HOST: '0.0.0.0' }
    expect(read({ port: '7000' }, env)).toMatchObject({ port: 7000, host: '0.0.0.0' })
  })

  it('takes an empty variable for an absent one', () => {
    expect(read({}, { MLFLOW_PORT: '', MLFLOW_SERVER_ALLOWED_HOSTS: '' })).toMatchObject({ port: 5000 })
    expect(read({}, { MLFLOW_SERVER_ALLOWED_HOSTS: '' }).allowedHosts).toBeUndefined()
  })

  it.each([
    ...['true', 'TRUE', '1', 'yes', 'on', 't', 'y'].map((text) => [text, true] as const),
    ...['false', 'False', '0', 'no', 'off', 'f', 'n'].map((text) => [text, false] as const),
  ])('reads %s in a variable as %s', (text, value) => {
    expect(read({}, { MLFLOW_SERVE_ARTIFACTS: text }).serveArtifacts).toBe(value)
  })

  it('lets a flag turn off what a variable turns on', () => {
    expect(read({ serveArtifacts: false }, { MLFLOW_SERVE_ARTIFACTS: 'true' }).serveArtifacts).toBe(false)
  })

  it('splits lists at commas', () => {
    expect(read({ allowedHosts: 'a.example.com, 10.*,' }).allowedHosts).toEqual(['a.example.com', '10.*'])
  })

  it.each([
    [{ port: '65536' }, {}, '--port must be a whole number from 0 to 65535.'],
    [{ port: '-1' }, {}, '--port must be a whole number from 0 to 65535.'],
    [{ port: '5e3' }, {}, '--port must be a whole number from 0 to 65535.'],
    [{}, { MLFLOW_PORT: 'http' }, 'MLFLOW_PORT must be a whole number from 0 to 65535.'],
    [{}, { MLFLOW_SERVE_ARTIFACTS: 'maybe' }, 'MLFLOW_SERVE_ARTIFACTS must be true or false.'],
    [{ logLevel: 'loud' }, {}, '--log-level must be one of trace, debug, info, warn, error, fatal.'],
    [{ staticPrefix: 'x' }, {}, "--static-prefix must begin with a '/'."],
    [{ staticPrefix: '/x/' }, {}, "--static-prefix should not end with a '/'."],
    [{ staticPrefix: '/{x}' }, {}, '--static-prefix must be a plain path.'],
    [{ cratedbReplicas: 'many' }, {}, '--cratedb-replicas must read like 1 or 0-1.'],
    [{ cratedbShards: '0' }, {}, '--cratedb-shards must be a whole number from 1 to 1000.'],
  ])('refuses %j with %j', (flags, env, message) => {
    expect(() => read(flags as Record<string, string>, env)).toThrow(message)
  })

  it('never repeats a value, which may hold a password', () => {
    let message = ''
    try {
      read({ port: 'postgresql://u:secret@host/', logLevel: 'secret' })
    } catch (error) {
      message = String(error)
    }
    expect(message).toContain('--port must be')
    expect(message).not.toContain('secret')
  })

  it('reads the extra arguments of uploads as an object of texts', () => {
    const config = (value: string) =>
      readConfig(ArtifactConfigSchema, {}, { MLFLOW_S3_UPLOAD_EXTRA_ARGS: value }).uploadExtraArgs
    expect(config('{"ServerSideEncryption": "aws:kms"}')).toEqual({ ServerSideEncryption: 'aws:kms' })
    for (const wrong of ['x', '[]', '{"a": 1}']) {
      expect(() => config(wrong)).toThrow('MLFLOW_S3_UPLOAD_EXTRA_ARGS must be a JSON object of texts.')
    }
  })

  it('gives every setting an environment variable of its own', () => {
    const names = Object.values({ ...ServerConfigSchema.shape, ...ArtifactConfigSchema.shape }).map(
      (type) => settingOf(type).env,
    )
    expect(new Set(names).size).toBe(names.length)
    expect(names.every((name) => /^(MLFLOW|CRATEFLOW|S3|AWS)_[A-Z0-9_]+$/.test(name))).toBe(true)
  })
})
