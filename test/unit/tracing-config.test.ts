// Whether and where traces of requests go, as variables of OpenTelemetry say; how statements are described in them.
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { describeStatement } from '../../src/platform/database/traced.ts'
import { TracingConfigSchema, tracingTarget } from '../../src/tracing-config.ts'

const target = (env: Record<string, string>) => tracingTarget(readConfig(TracingConfigSchema, {}, env))
const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318'

describe('the target of traces', () => {
  it.each([
    [{}, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT }, OTEL_EXPORTER_OTLP_ENDPOINT],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces/v1' },
      'https://traces/v1',
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'true' }, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'false' }, OTEL_EXPORTER_OTLP_ENDPOINT],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }, undefined],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' },
      OTEL_EXPORTER_OTLP_ENDPOINT,
    ],
  ] as [Record<string, string>, string | undefined][])('of %o is %s', (env, endpoint) => {
    expect(target(env)).toEqual(endpoint === undefined ? {} : { endpoint })
  })

  it('is none, with a warning, where another protocol is asked for, whose endpoint may be no URL', () => {
    const { endpoint, warning } = target({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    })
    expect(endpoint).toBeUndefined()
    expect(warning).toContain('http/protobuf')
  })

  it.each(['collector:4318', 'ftp://collector', 'nothing'])('is refused as %s', (given) => {
    expect(() => target({ OTEL_EXPORTER_OTLP_ENDPOINT: given })).toThrow(
      'OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL.',
    )
  })
})

describe('a statement in a trace', () => {
  it.each([
    ['select "a" from "runs" where "runs"."id" = $1', 'SELECT runs'],
    ['INSERT INTO "mlflow"."tags" ("a") SELECT unnest($1::text[])', 'INSERT tags'],
    ['update "runs" set "status" = $1', 'UPDATE runs'],
    ['DELETE FROM spans WHERE a = $1', 'DELETE spans'],
    ['REFRESH TABLE "runs", "metrics"', 'REFRESH runs'],
    ['WITH found AS (SELECT 1 FROM "params") SELECT 1', 'SELECT params'],
    [
      'SELECT a FROM (SELECT unnest($1::text[])) AS o (id) CROSS JOIN LATERAL (SELECT * FROM "runs")',
      'SELECT runs',
    ],
    ['SELECT 1', 'SELECT'],
    ['', 'cratedb'],
  ])('%s is called %s', (text, name) => {
    expect(describeStatement(text, 'cratedb').name).toBe(name)
  })

  it('has no values, not even those that are not bound', () => {
    const told = (text: string) => describeStatement(text, 'cratedb').attributes['db.query.text']
    expect(told("SELECT 'hunter2', 'it''s' FROM a WHERE b = $1")).toBe('SELECT ?, ? FROM a WHERE b = $1')
    expect(told(`SELECT '${'hunter2'.repeat(1000)}'`)).toBe('SELECT ?')
  })
})
