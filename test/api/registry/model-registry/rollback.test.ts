// The history of aliases and their roll back.
import { describe, expect, it } from 'vitest'
import type { AliasHistory, RolledBack } from '../../../../src/registry/model-registry/rollback.schema.ts'
import { describeEachEngine } from '../../../support/engines.ts'
import { type RegistryApp, useRegistryApp } from './registry-app.ts'

const OURS = '/api/crateflow/1.0/registered-models'
const RACERS = 20

/** Short ways to move the alias `champion` and to look back at it. */
function champions(registry: RegistryApp) {
  const alias = 'champion'
  return {
    async create(name: string, versions: number) {
      await registry.createModel(name)
      for (let made = 0; made < versions; made++) await registry.createVersion(name)
    },
    async set(name: string, ...versions: number[]) {
      for (const version of versions) {
        await registry.ok('POST', 'registered-models/alias', { name, alias, version: String(version) })
      }
    },
    drop: (name: string) => registry.ok('DELETE', 'registered-models/alias', { name, alias }),
    rollBack: (name: string, how: { to?: string; from?: string } = {}) =>
      registry.ok<RolledBack>('POST', `${OURS}/rollback-alias`, { name, alias, ...how }),
    refused: (name: string, how: object = {}) =>
      registry.error('POST', `${OURS}/rollback-alias`, { name, alias, ...how }),
    history: (name: string, more = '') =>
      registry.ok<AliasHistory>('GET', `${OURS}/alias-history?name=${name}&alias=${alias}${more}`),
    async present(name: string) {
      const { aliases } = await registry.getModel(name)
      return aliases?.[0]?.version
    },
  }
}

const changes = ({ events }: AliasHistory) =>
  events.map(({ kind, from_version: from, to_version: to }) => [kind, from, to])

describeEachEngine('the roll back of aliases', (target) => {
  const registry = useRegistryApp(target)
  const { create, set, drop, rollBack, refused, history, present } = champions(registry)

  it('tells what an alias pointed to, latest first, with names of that time', async () => {
    await create('told', 2)
    const before = Date.now()
    await set('told', 1, 2)
    await registry.ok('POST', 'registered-models/rename', { name: 'told', new_name: 'retold' })
    await drop('retold')
    const told = await history('retold')
    expect(told).toMatchObject({ name: 'retold', alias: 'champion' })
    expect(told.version).toBeUndefined()
    expect(changes(told)).toEqual([
      ['deleted', '2', undefined],
      ['set', '1', '2'],
      ['set', undefined, '1'],
    ])
    expect(told.events.map(({ model_name: name }) => name)).toEqual(['retold', 'told', 'told'])
    expect(told.events.map(({ user_id: user }) => user)).toEqual([undefined, undefined, undefined])
    for (const { timestamp } of told.events) expect(timestamp).toBeGreaterThanOrEqual(before)
    expect(changes(await history('retold', '&max_results=1'))).toEqual([['deleted', '2', undefined]])
  })

  it('goes back version by version, and says when there is none left', async () => {
    await create('backwards', 3)
    await set('backwards', 1, 2, 3)
    expect(await rollBack('backwards')).toMatchObject({
      version: '2',
      changed: true,
      event: { kind: 'rolled_back', from_version: '3', to_version: '2' },
    })
    expect((await rollBack('backwards')).version).toBe('1')
    expect(await refused('backwards')).toEqual({
      status: 404,
      code: 'RESOURCE_DOES_NOT_EXIST',
      text: 'There is nothing to roll back to: alias champion of backwards pointed to no version before version 1 that still exists.',
    })
    expect(await present('backwards')).toBe('1')
    expect(changes(await history('backwards')).slice(0, 2)).toEqual([
      ['rolled_back', '2', '1'],
      ['rolled_back', '3', '2'],
    ])
  })

  it('goes on from what was set after a roll back', async () => {
    await create('onwards', 4)
    await set('onwards', 1, 2)
    await rollBack('onwards')
    await set('onwards', 3, 4)
    expect((await rollBack('onwards')).version).toBe('3')
    expect((await rollBack('onwards')).version).toBe('1')
  })

  it('brings a deleted alias back, and steps over deleted versions', async () => {
    await create('gaps', 3)
    await set('gaps', 1, 2, 3)
    await registry.ok('DELETE', 'model-versions/delete', { name: 'gaps', version: '2' })
    expect((await rollBack('gaps')).version).toBe('1')
    await set('gaps', 3)
    await drop('gaps')
    expect(await rollBack('gaps')).toMatchObject({ version: '3', changed: true })
    expect(await present('gaps')).toBe('3')
  })

  it('goes to a version that is named, if the alias was there and the version is', async () => {
    await create('named', 4)
    await set('named', 1, 2, 3)
    expect(await rollBack('named', { to: '1' })).toMatchObject({ version: '1', changed: true })
    expect(await rollBack('named', { to: '1' })).toMatchObject({ version: '1', changed: false })
    expect(await rollBack('named', { to: '3' })).toMatchObject({ version: '3', changed: true })
    expect(await refused('named', { to: '4' })).toMatchObject({
      code: 'INVALID_PARAMETER_VALUE',
      text: 'Alias champion of named never pointed to version 4. Set the alias to point it there.',
    })
    expect(await refused('named', { to: 'two' })).toMatchObject({ code: 'INVALID_PARAMETER_VALUE' })
    await registry.ok('DELETE', 'model-versions/delete', { name: 'named', version: '2' })
    expect(await refused('named', { to: '2' })).toMatchObject({
      code: 'RESOURCE_DOES_NOT_EXIST',
      text: 'Model Version (name=named, version=2) not found',
    })
    expect(changes(await history('named'))).toHaveLength(5)
  })

  it('moves once when a request that names the version to leave is repeated', async () => {
    await create('repeated', 3)
    await set('repeated', 1, 2, 3)
    expect(await rollBack('repeated', { from: '3' })).toMatchObject({ version: '2', changed: true })
    expect(await rollBack('repeated', { from: '3' })).toMatchObject({ version: '2', changed: false })
    expect(await refused('repeated', { from: '3', to: '1' })).toEqual({
      status: 409,
      code: 'RESOURCE_CONFLICT',
      text: 'Alias champion of repeated was changed by another and points to version 2 now. Nothing was rolled back.',
    })
    expect(changes(await history('repeated'))).toHaveLength(4)
  })

  it(`moves one version back when ${RACERS} want that at once`, async () => {
    await create('raced', 5)
    await set('raced', 1, 2, 3, 4, 5)
    const answers = await Promise.all(Array.from({ length: RACERS }, () => rollBack('raced', { from: '5' })))
    expect(answers.filter(({ changed }) => changed)).toHaveLength(1)
    expect(new Set(answers.map(({ version }) => version))).toEqual(new Set(['4']))
    expect(await present('raced')).toBe('4')
    expect(changes(await history('raced'))).toHaveLength(6)
  })

  it('leaves a history without gaps when roll backs race with settings', async () => {
    await create('mixed', 4)
    await set('mixed', 1, 2)
    const requests = Array.from({ length: RACERS }, (_, index) =>
      index % 2 === 0
        ? registry.app.request('POST', `${OURS}/rollback-alias`, { name: 'mixed', alias: 'champion' })
        : set('mixed', 1 + (index % 4)).then(() => undefined),
    )
    const answers = await Promise.all(requests)
    const statuses = answers.flatMap((answer) => (answer ? [answer.status] : []))
    for (const status of statuses) expect([200, 404, 409]).toContain(status)
    const { events, version } = await history('mixed', '&max_results=1000')
    expect(events[0]?.to_version).toBe(version)
    events.slice(0, -1).forEach(({ from_version: from }, index) => {
      expect(from).toBe(events[index + 1]?.to_version)
    })
  })

  it('works for prompts', async () => {
    const tags = [{ key: 'mlflow.prompt.is_prompt', value: 'true' }]
    await registry.createModel('asked', { tags })
    const prompt = { source: 'prompt-template', tags: [...tags, { key: 'mlflow.prompt.text', value: 'x' }] }
    for (let made = 0; made < 2; made++) await registry.createVersion('asked', prompt)
    await set('asked', 1, 2)
    expect((await rollBack('asked')).version).toBe('1')
  })

  describe('refuses', () => {
    it.each([
      ['a model that is not there', { name: 'nowhere', alias: 'champion' }, 404, 'RESOURCE_DOES_NOT_EXIST'],
      ['an alias that was never set', { name: 'told2', alias: 'never' }, 400, 'INVALID_PARAMETER_VALUE'],
      ['an alias that none can be', { name: 'told2', alias: 'a b' }, 400, 'INVALID_PARAMETER_VALUE'],
      ['no alias', { name: 'told2' }, 400, 'INVALID_PARAMETER_VALUE'],
      ['no name', { alias: 'champion' }, 400, 'INVALID_PARAMETER_VALUE'],
    ])('%s', async (_what, body: { name?: string; alias?: string }, status, code) => {
      if (body.name === 'told2')
        await registry.app.request('POST', '/api/2.0/mlflow/registered-models/create', body)
      const query = new URLSearchParams(body)
      expect(await registry.error('POST', `${OURS}/rollback-alias`, body)).toMatchObject({ status, code })
      expect(await registry.error('GET', `${OURS}/alias-history?${query}`)).toMatchObject({ status, code })
    })

    it.each(['0', '1001', '-1', 'x'])('%s events', async (maxResults) => {
      await create(`counted${maxResults}`, 1)
      await set(`counted${maxResults}`, 1)
      const path = `${OURS}/alias-history?name=counted${maxResults}&alias=champion&max_results=${maxResults}`
      expect(await registry.error('GET', path)).toMatchObject({
        status: 400,
        code: 'INVALID_PARAMETER_VALUE',
      })
    })
  })
})
