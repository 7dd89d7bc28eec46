// Policies that thin old points of metrics: what their ladders may say.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { describeEachEngine } from '../../support/engines.ts'
import { RETENTION, retentionOf } from '../../support/retention.ts'

describeEachEngine('policies that downsample', (target) => {
  let app: TestApp
  let retention: ReturnType<typeof retentionOf>
  beforeAll(async () => {
    app = await startApp(target)
    retention = retentionOf(app.request)
  })
  afterAll(() => app.close())

  const policy = { name: 'thin', target: 'metrics', strategy: 'downsample', ladder: '1m:30d,1h:210d' }
  const refused = async (path: string, body: object) => {
    const answer = await app.request('POST', `${RETENTION}/${path}`, body)
    expect(answer.status, JSON.stringify(answer.body)).toBe(400)
    return (answer.body as { message: string }).message
  }

  it('take their duration from the ladder, when they are made and when it changes', async () => {
    const made = await retention.create(policy)
    expect(made).toMatchObject({ ladder: '1m:30d,1h:210d', duration: '30d', category: 'timerange' })
    expect(await retention.create(policy)).toEqual(made)
    const changed = await retention.post<object>('policies/update', {
      policy_id: 'thin',
      ladder: '100steps:7d,1000steps:1y',
    })
    expect(changed).toMatchObject({ policy: { duration: '7d', ladder: '100steps:7d,1000steps:1y' } })
    const tagged = await retention.post<object>('policies/update', { policy_id: 'thin', tags: ['a'] })
    expect(tagged).toMatchObject({ policy: { duration: '7d', ladder: '100steps:7d,1000steps:1y' } })
    expect(await refused('policies/update', { policy_id: 'thin', duration: '8d' })).toContain('leave it out')
    expect(await refused('policies/update', { policy_id: 'thin', clear: ['ladder'] })).toContain('needs it')
    expect(await refused('policies/update', { policy_id: 'thin', strategy: 'delete' })).toContain('has none')
    const deleting = await retention.post<object>('policies/update', {
      policy_id: 'thin',
      strategy: 'delete',
      clear: ['ladder'],
    })
    expect(deleting).toMatchObject({ policy: { duration: '7d', strategy: 'delete' } })
    await retention.post('policies/delete', { policy_id: 'thin' })
  })

  it.each([
    [{ ladder: '1m:30d,90s:1y' }, "'ladder': each size must be a multiple"],
    [{ ladder: undefined }, "Missing value for required parameter 'ladder'"],
    [{ ladder: undefined, duration: '30d' }, "'ladder': strategy downsample needs it"],
    [{ duration: '30d' }, "'duration': of a ladder it is the age"],
    [{ strategy: 'delete' }, "'ladder': strategy delete has none"],
    [{ strategy: 'delete', ladder: undefined }, "Missing value for required parameter 'duration'"],
    [{ target: 'traces' }, 'downsample is for metrics; for traces there is delete'],
    [{ target: 'doc.readings' }, "'column': name the"],
    [{ column: 'time' }, "'column'"],
  ])('refuse %j', async (more, reason) => {
    expect(await refused('policies/create', { ...policy, ...more })).toContain(reason)
  })

  it('contradict such as delete before, and other ladders', async () => {
    const findings = async (name: string, other: object) => {
      await retention.create({ ...policy, name })
      await retention.create({ name: `${name} 2`, target: 'metrics', strategy: 'delete', ...other })
      const found = await retention.check({ policy_ids: [name] })
      for (const one of [name, `${name} 2`]) await retention.post('policies/delete', { policy_id: one })
      return found.filter(({ code }) => code === 'contradiction').map(({ message }) => message)
    }
    expect(await findings('a', { duration: '20d' })).toEqual([expect.stringMatching(/downsample after 30d/)])
    expect(await findings('b', { duration: '100d' })).toEqual([
      expect.stringMatching(/downsample after 210d/),
    ])
    expect(await findings('c', { duration: '1y' })).toEqual([])
    const thinning = { strategy: 'downsample', duration: undefined }
    expect(await findings('d', { ...thinning, ladder: '1m:31d' })).toEqual([
      expect.stringMatching(/different ladders/),
    ])
    expect(await findings('e', { ...thinning, ladder: policy.ladder })).toEqual([])
  })
})
