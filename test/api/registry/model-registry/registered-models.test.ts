// Registered models, their tags and aliases.
import { describe, expect, it } from 'vitest'
import { findAliasHistory } from '../../../../src/registry/model-registry/audit.store.ts'
import { findModelByName } from '../../../../src/registry/model-registry/models.store.ts'
import { describeEachEngine } from '../../../support/engines.ts'
import { useRegistryApp } from './registry-app.ts'

describeEachEngine('registered models', (target) => {
  const registry = useRegistryApp(target)

  it('keeps tags of up to 100,000 characters, and finds models by them', async () => {
    const head = 'ä'.repeat(8000)
    const values = { short: 'ä', whole: head, long: `${head}1`, longest: `${head}${'😀'.repeat(92_000)}` }
    for (const [name, value] of Object.entries(values)) {
      await registry.createModel(`long-${name}`, { tags: [{ key: 'text', value }] })
      expect((await registry.getModel(`long-${name}`)).tags).toEqual([{ key: 'text', value }])
      expect(await registry.findModels(`tags.text = '${value}'`)).toEqual([`long-${name}`])
      const others = Object.keys(values).filter((other) => other !== name)
      expect(await registry.findModels(`tags.text != '${value}'`)).toEqual(
        others
          .filter((other) => Object.keys(values).indexOf(other) < Object.keys(values).indexOf(name))
          .map((other) => `long-${other}`)
          .sort(),
      )
    }
    expect(await registry.findModels("tags.text LIKE '%ä1'")).toEqual(['long-long'])
    expect(await registry.findModels("tags.text LIKE 'ä%ä'")).toEqual(['long-whole'])
    expect(await registry.findModels("tags.text ILIKE 'ä%😀'")).toEqual(['long-longest'])
  })

  it('renames with one row, however many versions there are', async () => {
    await registry.createModel('many')
    for (let made = 0; made < 5; made++) await registry.createVersion('many')
    const before = await registry.getVersion('many', 1)
    await registry.ok('POST', 'registered-models/rename', { name: 'many', new_name: 'renamed' })
    const after = await registry.getVersion('renamed', 1)
    // As in stock, a rename updates every version.
    expect(after.last_updated_timestamp).toBeGreaterThanOrEqual(before.last_updated_timestamp)
    expect(after).toMatchObject({ name: 'renamed', version: '1' })
    expect(await registry.findVersions("name = 'renamed'", '&order_by=version_number')).toEqual(
      [1, 2, 3, 4, 5].map((version) => `renamed/${version}`),
    )
    expect(await registry.findVersions("name = 'many'")).toEqual([])
    expect((await registry.createVersion('renamed')).version).toBe('6')
  })

  it('shows nothing of a deleted model under its name', async () => {
    await registry.createModel('reborn', { tags: [{ key: 'old', value: '1' }], description: 'old' })
    await registry.createVersion('reborn', { tags: [{ key: 'old', value: '1' }] })
    await registry.ok('POST', 'registered-models/alias', { name: 'reborn', alias: 'best', version: '1' })
    await registry.ok('DELETE', 'registered-models/delete', { name: 'reborn' })
    expect(await registry.findModels("tags.old = '1'")).toEqual([])
    expect(await registry.findVersions("tags.old = '1'")).toEqual([])
    const made = await registry.createModel('reborn')
    expect(await registry.getModel('reborn')).toEqual(made)
    expect((await registry.createVersion('reborn')).version).toBe('1')
    expect(await registry.error('GET', 'registered-models/alias?name=reborn&alias=best')).toEqual({
      status: 400,
      code: 'INVALID_PARAMETER_VALUE',
      text: 'Registered model alias best not found.',
    })
  })

  it('keeps the history of an alias', async () => {
    await registry.createModel('followed')
    for (let made = 0; made < 3; made++) await registry.createVersion('followed')
    const set = (version: string) =>
      registry.ok('POST', 'registered-models/alias', { name: 'followed', alias: 'best', version })
    await set('1')
    await set('2')
    await set('2')
    await registry.ok('DELETE', 'registered-models/alias', { name: 'followed', alias: 'best' })
    await set('3')
    await registry.ok('POST', 'registered-models/rename', { name: 'followed', new_name: 'followed2' })
    await registry.ok('DELETE', 'model-versions/delete', { name: 'followed2', version: '3' })
    const { engine } = registry.app
    const model = await findModelByName(engine, 'followed2')
    const history = await findAliasHistory(engine, model?.modelUid ?? '', 'best')
    expect(
      history.map(({ kind, oldVersion, newVersion, modelName }) => [kind, oldVersion, newVersion, modelName]),
    ).toEqual([
      ['alias_deleted', 3, null, 'followed2'],
      ['alias_set', null, 3, 'followed'],
      ['alias_deleted', 2, null, 'followed'],
      ['alias_set', 1, 2, 'followed'],
      ['alias_set', null, 1, 'followed'],
    ])
    expect(await findAliasHistory(engine, model?.modelUid ?? '', 'other')).toEqual([])
  })

  it('pages behind the last model, whatever comes and goes meanwhile', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await registry.createModel(`page-${name}`)
    const filter = `filter=${encodeURIComponent("name LIKE 'page-%'")}`
    const first = await registry.ok<{ next_page_token: string }>(
      'GET',
      `registered-models/search?${filter}&max_results=2`,
    )
    await registry.ok('DELETE', 'registered-models/delete', { name: 'page-a' })
    await registry.createModel('page-0')
    const token = `&page_token=${encodeURIComponent(first.next_page_token)}`
    expect(await registry.findModels("name LIKE 'page-%'", token)).toEqual(['page-c', 'page-d'])
    const wrong = encodeURIComponent(
      Buffer.from(
        JSON.stringify({
          ...JSON.parse(Buffer.from(first.next_page_token, 'base64').toString()),
          after: [null],
        }),
      ).toString('base64'),
    )
    expect((await registry.error('GET', `registered-models/search?page_token=${wrong}`)).status).toBe(400)
  })

  describe('prompts', () => {
    it('are hidden from searches as soon as their tag says so', async () => {
      await registry.createModel('turning')
      await registry.createVersion('turning')
      const key = 'mlflow.prompt.is_prompt'
      const isShown = () => registry.findModels("name = 'turning'")
      expect(await isShown()).toEqual(['turning'])
      await registry.ok('POST', 'registered-models/set-tag', { name: 'turning', key, value: 'true' })
      expect(await isShown()).toEqual([])
      expect(await registry.findModels(`tags.\`${key}\` = 'true' AND name = 'turning'`)).toEqual(['turning'])
      await registry.ok('DELETE', 'registered-models/delete-tag', { name: 'turning', key })
      expect(await isShown()).toEqual(['turning'])
      await registry.ok('POST', 'model-versions/set-tag', {
        name: 'turning',
        version: '1',
        key,
        value: 'true',
      })
      expect(await registry.findVersions("name = 'turning'")).toEqual([])
    })
  })
})
