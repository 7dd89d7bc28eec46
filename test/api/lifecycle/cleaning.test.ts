// The deletion for good through REST: what goes, what stays, what is refused, what is told of it.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Collected, Deletion, GarbageList } from '../../../src/lifecycle/cleaning/schema.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { describeEachEngine } from '../../support/engines.ts'
import {
  ask,
  createExperiment,
  createFullExperiment,
  createFullRun,
  createModel,
  createRun,
  fillRun,
  findNaming,
  uploadFile,
} from '../../support/full-experiment.ts'

const V2 = '/api/2.0/mlflow'
const OWN = '/api/crateflow/1.0'
const MISSING = '0123456789abcdef0123456789abcdef'
const HOUR_MS = 3600_000

describeEachEngine('the deletion for good', (target) => {
  let app: TestApp
  let nowMs = Date.now()

  beforeAll(async () => {
    app = await startApp(target, { clock: { now: () => nowMs++ } })
  })
  afterAll(() => app.close())

  const post = <T>(path: string, body: object) => ask<T>(app.request, 'POST', path, body)
  const get = <T>(path: string) => ask<T>(app.request, 'GET', path)
  const removeRun = (run_id: string) => post(`${V2}/runs/delete`, { run_id })
  const removeExperiment = (experiment_id: string) => post(`${V2}/experiments/delete`, { experiment_id })
  const removeModel = (id: string) => ask(app.request, 'DELETE', `${V2}/logged-models/${id}`)
  const status = async (path: string) => (await app.request('GET', path)).status
  const isFile = (...path: string[]) =>
    stat(join(app.artifactFolder, ...path)).then(
      () => true,
      () => false,
    )

  /** As `crateflow gc` does. */
  async function collect(body: object = {}): Promise<Collected> {
    const all: Collected = { deleted: [], left: [] }
    let token: string | undefined
    do {
      const step: Collected = await post(`${OWN}/gc/collect`, {
        ...body,
        ...(token && { page_token: token }),
      })
      all.deleted.push(...step.deleted)
      all.left.push(...step.left)
      token = step.next_page_token
    } while (token)
    return all
  }
  const idsOf = ({ deleted }: Collected) => deleted.map(({ id }) => id)
  const refusal = async (path: string, body: object) => {
    const answer = await app.request('POST', path, body)
    const { error_code, message } = answer.body as { error_code: string; message: string }
    return `${answer.status} ${error_code}: ${message}`
  }
  const deletionsOf = async (id: string) =>
    (await get<{ deletions: Deletion[] }>(`${OWN}/deletions/search?id=${id}`)).deletions

  it('takes a deleted run with all it holds and its files, and no other', async () => {
    const experiment = await createExperiment(app.request, 'runs')
    const model = await createModel(app.request, experiment)
    const gone = await createFullRun(app.request, experiment, model)
    const other = await createFullRun(app.request, experiment, model)
    const kept = await findNaming(app.engine, [other])
    expect(Object.keys(kept).sort()).toEqual([
      'input_tags.run_id',
      'inputs.destination_id',
      'inputs.source_id',
      'latest_metrics.run_id',
      'logged_model_metrics.run_id',
      'metrics.run_id',
      'params.run_id',
      'runs.run_id',
      'tags.run_id',
    ])
    await removeRun(gone)
    const collected = await collect({ run_ids: [gone] })
    expect(collected).toEqual({
      deleted: [{ kind: 'run', id: gone, name: 'a run', experiment_id: experiment, rows: 18, files: 1 }],
      left: [],
    })
    expect(await findNaming(app.engine, [gone])).toEqual({})
    expect(await isFile(experiment, gone)).toBe(false)
    expect(await status(`${V2}/runs/get?run_id=${gone}`)).toBe(404)
    expect(await findNaming(app.engine, [other])).toEqual(kept)
    expect(await isFile(experiment, other, 'artifacts', 'plots', 'a.txt')).toBe(true)
    expect((await app.request('POST', `${V2}/runs/restore`, { run_id: gone })).status).toBe(404)
  })

  it('takes a deleted logged model with the edges from its runs', async () => {
    const experiment = await createExperiment(app.request, 'models')
    const [gone, kept] = [
      await createModel(app.request, experiment),
      await createModel(app.request, experiment),
    ]
    await createFullRun(app.request, experiment, gone)
    await createFullRun(app.request, experiment, kept)
    await uploadFile(app.request, `${experiment}/models/${gone}/artifacts/model.pkl`)
    await removeModel(gone)
    const { deleted } = await collect({ logged_model_ids: [gone] })
    expect(deleted).toMatchObject([{ kind: 'logged_model', id: gone, name: 'm', rows: 6, files: 1 }])
    expect(await findNaming(app.engine, [gone])).toEqual({})
    expect(await isFile(experiment, 'models', gone)).toBe(false)
    expect(await status(`${V2}/logged-models/${gone}?allow_deleted=true`)).toBe(404)
    expect(await status(`${V2}/logged-models/${kept}`)).toBe(200)
  })

  it('takes a deleted experiment with everything in it, and frees its name', async () => {
    const gone = await createFullExperiment(app.request, 'all of it')
    const kept = await createFullExperiment(app.request, 'next to it')
    const keptIds = [kept.id, ...kept.runs, kept.model, kept.trace, kept.scorer, kept.queue, kept.issue]
    const before = await findNaming(app.engine, keptIds)
    await removeExperiment(gone.id)
    const { deleted, left } = await collect({ experiment_ids: [gone.id] })
    expect(left).toEqual([])
    expect(deleted.map(({ kind }) => kind).sort()).toEqual(['experiment', 'logged_model', 'run', 'run'])
    expect(deleted.at(-1)).toMatchObject({ kind: 'experiment', id: gone.id, name: 'all of it', files: 1 })
    const ids = [gone.id, ...gone.runs, gone.model, gone.trace, gone.scorer, gone.queue, gone.issue]
    expect(await findNaming(app.engine, ids)).toEqual({})
    expect(await findNaming(app.engine, keptIds)).toEqual(before)
    expect(await isFile(gone.id)).toBe(false)
    // An evaluation dataset may be in other experiments, and stays.
    expect(await status(`/api/3.0/mlflow/datasets/${gone.dataset}`)).toBe(200)
    expect(await status(`${V2}/experiments/get?experiment_id=${gone.id}`)).toBe(404)
    expect(await createExperiment(app.request, 'all of it')).not.toBe(gone.id)
  })

  it('takes its own files alone from a folder that others share', async () => {
    const location = { artifact_location: `file://${app.artifactFolder}/shared` }
    const gone = await createFullExperiment(app.request, 'shares', location)
    const kept = await createFullExperiment(app.request, 'shares, too', location)
    const attachment = (trace: string) => ['shared', 'traces', trace, 'artifacts', 'attachments', 'picture']
    for (const { trace } of [gone, kept]) await uploadFile(app.request, attachment(trace).join('/'))
    await removeExperiment(gone.id)
    const { deleted, left } = await collect({ experiment_ids: [gone.id] })
    expect(left).toEqual([])
    expect(deleted.at(-1)).toMatchObject({ kind: 'experiment', files: 1 })
    expect(await isFile(...attachment(gone.trace))).toBe(false)
    expect(await isFile(...attachment(kept.trace))).toBe(true)
  })

  it('takes all that is deleted when nothing is named, and answers so before', async () => {
    const [active, gone] = [
      await createExperiment(app.request, 'stays'),
      await createFullExperiment(app.request, 'goes'),
    ]
    const [run, stays] = [await createRun(app.request, active), await createRun(app.request, active)]
    const model = await createModel(app.request, active)
    await removeExperiment(gone.id)
    await removeRun(run)
    await removeModel(model)
    const { garbage } = await get<GarbageList>(`${OWN}/gc/garbage`)
    expect(garbage.map(({ kind, id }) => [kind, id])).toEqual([
      ['experiment', gone.id],
      ...[...gone.runs, run].sort().map((id) => ['run', id]),
      ['logged_model', model],
    ])
    const pages: string[] = []
    for (let token = ''; ; ) {
      const page = await get<GarbageList>(`${OWN}/gc/garbage?max_results=2&page_token=${token}`)
      pages.push(...page.garbage.map(({ id }) => id))
      if (!page.next_page_token) break
      token = page.next_page_token
    }
    expect(pages).toEqual(garbage.map(({ id }) => id))
    expect(idsOf(await collect()).sort()).toEqual([gone.id, ...gone.runs, gone.model, run, model].sort())
    expect(await get(`${OWN}/gc/garbage`)).toEqual({ garbage: [] })
    expect(await collect()).toEqual({ deleted: [], left: [] })
    expect(await status(`${V2}/runs/get?run_id=${stays}`)).toBe(200)
  })

  it('takes only what was deleted so long ago', async () => {
    const experiment = await createExperiment(app.request, 'ages')
    const whole = [await createExperiment(app.request, 'old'), await createExperiment(app.request, 'young')]
    const runs = [await createRun(app.request, experiment), await createRun(app.request, experiment)]
    const models = [await createModel(app.request, experiment), await createModel(app.request, experiment)]
    const remove = async (i: number) => {
      await removeExperiment(whole[i] ?? '')
      await removeRun(runs[i] ?? '')
      await removeModel(models[i] ?? '')
    }
    await remove(0)
    nowMs += 2 * HOUR_MS
    await remove(1)
    expect(idsOf(await collect({ older_than: '3h' }))).toEqual([])
    expect(idsOf(await collect({ older_than: '1.5h' }))).toEqual([whole[0], runs[0], models[0]])
    const named = { older_than: '1h', run_ids: [runs[1]] }
    expect(await refusal(`${OWN}/gc/collect`, named)).toBe(
      `400 INVALID_PARAMETER_VALUE: Run ${runs[1]} is not older than the required age. Only runs older than 1h can be deleted.`,
    )
    expect(idsOf(await collect({ older_than: '0s' }))).toEqual([whole[1], runs[1], models[1]])
  })

  it('refuses what is not deleted, not there, or not readable, and deletes nothing then', async () => {
    const experiment = await createExperiment(app.request, 'refused')
    const [active, deleted] = [
      await createRun(app.request, experiment),
      await createRun(app.request, experiment),
    ]
    const model = await createModel(app.request, experiment)
    await removeRun(deleted)
    const gc = (body: object) => refusal(`${OWN}/gc/collect`, body)
    expect(await gc({ run_ids: [deleted, active] })).toBe(
      `400 INVALID_PARAMETER_VALUE: Run ${active} is not in \`deleted\` lifecycle stage. Only runs in \`deleted\` lifecycle stage can be deleted.`,
    )
    expect(await gc({ run_ids: [deleted], experiment_ids: [experiment] })).toBe(
      `400 INVALID_PARAMETER_VALUE: Experiments ['${experiment}'] are not in the deleted lifecycle stage. Only experiments in the deleted lifecycle stage can be hard-deleted.`,
    )
    expect(await gc({ run_ids: [deleted], logged_model_ids: [model] })).toBe(
      `400 INVALID_PARAMETER_VALUE: Logged model ${model} is not in \`deleted\` lifecycle stage. Only logged models in \`deleted\` lifecycle stage can be deleted.`,
    )
    expect(await gc({ run_ids: [deleted, MISSING] })).toBe(
      `404 RESOURCE_DOES_NOT_EXIST: Run with id=${MISSING} not found`,
    )
    expect(await gc({ experiment_ids: ['12'] })).toBe(
      '404 RESOURCE_DOES_NOT_EXIST: No Experiment with id=12 exists',
    )
    expect(await gc({ experiment_ids: ['x'] })).toMatch(
      /^400 INVALID_PARAMETER_VALUE: Invalid experiment ID 'x'/,
    )
    expect(await gc({ logged_model_ids: ['m-1'] })).toBe(
      "404 RESOURCE_DOES_NOT_EXIST: Logged model with ID 'm-1' not found.",
    )
    for (const older_than of ['', 'month', '1.2.3d', '5', '-1d', '30 d', '99999999999999d']) {
      expect(await gc({ older_than })).toBe(
        `400 INVALID_PARAMETER_VALUE: Could not parse any time information from '${older_than}'. Examples of valid strings: '8h', '2d8h5m20s', '2m4s'`,
      )
    }
    for (const page_token of ['x', Buffer.from('["all",null,null]').toString('base64')])
      expect(await gc({ page_token })).toMatch(/^400 INVALID_PARAMETER_VALUE: Invalid page token/)
    expect(await refusal(`${OWN}/runs/hard-delete`, { run_id: active })).toContain(
      'is not in `deleted` lifecycle stage',
    )
    expect(await refusal(`${OWN}/runs/hard-delete`, {})).toContain(
      "Missing value for required parameter 'run_id'",
    )
    expect(await post(`${OWN}/gc/collect`, { run_ids: [deleted], only_check: true })).toEqual({
      deleted: [],
      left: [],
      next_page_token: expect.any(String),
    })
    expect(await status(`${V2}/runs/get?run_id=${deleted}`)).toBe(200)
    await collect()
  })

  it('leaves an experiment that holds an active run, and says so', async () => {
    const experiment = await createExperiment(app.request, 'half restored')
    const [back, gone] = [await createRun(app.request, experiment), await createRun(app.request, experiment)]
    await removeExperiment(experiment)
    await post(`${V2}/runs/restore`, { run_id: back })
    const { deleted, left } = await collect()
    expect(deleted.map(({ id }) => id)).toEqual([gone])
    expect(left).toEqual([
      {
        kind: 'experiment',
        id: experiment,
        name: 'half restored',
        experiment_id: experiment,
        message: `Run ${back} is not in \`deleted\` lifecycle stage. Only runs in \`deleted\` lifecycle stage can be deleted.`,
      },
    ])
    await post(`${V2}/experiments/restore`, { experiment_id: experiment })
    expect(await status(`${V2}/runs/get?run_id=${back}`)).toBe(200)
  })

  it('keeps files when asked to, and minds none that are missing', async () => {
    const experiment = await createExperiment(app.request, 'files')
    const run = await createRun(app.request, experiment)
    const bare = await createRun(app.request, experiment)
    await uploadFile(app.request, `${experiment}/${run}/artifacts/a.txt`)
    await removeRun(run)
    await removeRun(bare)
    const kept = await collect({ run_ids: [run], keep_artifacts: true })
    expect(kept.deleted).toMatchObject([{ id: run, files: 0 }])
    expect(await isFile(experiment, run, 'artifacts', 'a.txt')).toBe(true)
    expect((await collect({ run_ids: [bare] })).deleted).toMatchObject([{ id: bare, files: 0 }])
  })

  it('leaves what has its files where the server does not go, unless they are to stay', async () => {
    const places = ['/elsewhere/a', 'gs://bucket/a', 'file:///etc']
    for (const [i, artifact_location] of places.entries()) {
      const experiment = await createExperiment(app.request, `strange ${i}`, { artifact_location })
      const run = await createRun(app.request, experiment)
      await removeRun(run)
      const { deleted, left } = await collect({ run_ids: [run] })
      expect(deleted).toEqual([])
      expect(left).toMatchObject([{ kind: 'run', id: run, message: expect.stringContaining('location') }])
      // It was not begun.
      await post(`${V2}/runs/restore`, { run_id: run })
      await removeExperiment(experiment)
      expect((await collect({ experiment_ids: [experiment] })).left).toMatchObject([{ kind: 'experiment' }])
      await post(`${V2}/experiments/restore`, { experiment_id: experiment })
      await removeExperiment(experiment)
      expect(idsOf(await collect({ experiment_ids: [experiment], keep_artifacts: true }))).toEqual([
        run,
        experiment,
      ])
    }
  })

  it('records what was deleted, by whom and why, newest first', async () => {
    const experiment = await createExperiment(app.request, 'recorded')
    const runs = [
      await createRun(app.request, experiment, 'one'),
      await createRun(app.request, experiment, 'two'),
    ]
    for (const run of runs) await removeRun(run)
    const [first = '', second = ''] = runs
    await collect({ run_ids: [first] })
    const answer = await app.app.inject({
      method: 'POST',
      url: `${OWN}/runs/hard-delete`,
      headers: { user: 'ann' },
      payload: { run_id: second },
    })
    expect(answer.json().deleted).toMatchObject([{ kind: 'run', id: second, name: 'two' }])
    expect(await get<{ deletions: Deletion[] }>(`${OWN}/deletions/search?experiment_id=`)).toHaveProperty(
      'deletions',
    )
    const { deletions } = await get<{ deletions: Deletion[] }>(
      `${OWN}/deletions/search?experiment_id=${experiment}`,
    )
    const common = {
      kind: 'run',
      experiment_id: experiment,
      rows: 2,
      files: 0,
      timestamp: expect.any(Number),
    }
    expect(deletions).toEqual([
      { ...common, id: second, name: 'two', user_id: 'ann', cause: 'api', deletion_id: expect.any(String) },
      { ...common, id: first, name: 'one', cause: 'gc', deletion_id: expect.any(String) },
    ])
    const paged: string[] = []
    for (let token = ''; ; ) {
      const page = await get<{ deletions: Deletion[]; next_page_token?: string }>(
        `${OWN}/deletions/search?kind=run&max_results=3&page_token=${token}`,
      )
      paged.push(...page.deletions.map(({ id }) => id))
      if (!page.next_page_token) break
      token = page.next_page_token
    }
    expect(paged.slice(0, 2)).toEqual([second, first])
    expect(new Set(paged).size).toBe(paged.length)
  })

  it('deletes a logged model and an experiment by a request of its own', async () => {
    const { id, model, runs } = await createFullExperiment(app.request, 'by request')
    await removeModel(model)
    const one = await post<Collected>(`${OWN}/logged-models/hard-delete`, { model_id: model })
    expect(one.deleted).toMatchObject([{ kind: 'logged_model', id: model }])
    await removeExperiment(id)
    const all = await post<Collected>(`${OWN}/experiments/hard-delete`, { experiment_id: id })
    expect(idsOf(all)).toEqual([...[...runs].sort(), id])
    expect(await findNaming(app.engine, [id, model, ...runs])).toEqual({})
    expect((await deletionsOf(id))[0]).toMatchObject({ kind: 'experiment', cause: 'api', files: 1 })
  })

  describe('of parts of runs', () => {
    it('deletes a metric with its history, and a param, and nothing else', async () => {
      const experiment = await createExperiment(app.request, 'parts')
      const model = await createModel(app.request, experiment)
      const [run, other] = [
        await createRun(app.request, experiment),
        await createRun(app.request, experiment),
      ]
      for (const one of [run, other]) await fillRun(app.request, one, model)
      const part = { kind: 'metric', id: run, experiment_id: experiment, files: 0 }
      expect(await post(`${OWN}/runs/hard-delete-metric`, { run_id: run, metric_key: 'loss' })).toEqual({
        ...part,
        name: 'loss',
        rows: 4,
      })
      expect(
        await post(`${OWN}/runs/hard-delete-metric`, { run_id: run, metric_key: 'of model' }),
      ).toMatchObject({ rows: 3 })
      expect(await post(`${OWN}/runs/hard-delete-param`, { run_id: run, param_key: 'lr' })).toEqual({
        ...part,
        kind: 'param',
        name: 'lr',
        rows: 1,
      })
      const dataOf = async (id: string) =>
        (
          await get<{ run: { data: { metrics: { key: string }[]; params: { key: string }[] } } }>(
            `${V2}/runs/get?run_id=${id}`,
          )
        ).run.data
      const keys = (list: { key: string }[]) => list.map(({ key }) => key)
      expect(keys((await dataOf(run)).metrics)).toEqual(['accuracy'])
      expect(keys((await dataOf(run)).params)).toEqual(['depth'])
      expect(keys((await dataOf(other)).metrics)).toEqual(['accuracy', 'loss', 'of model'])
      expect(await get(`${V2}/metrics/get-history?run_id=${run}&metric_key=loss`)).toEqual({})
      const { model: read } = await get<{ model: { data: { metrics: { run_id: string }[] } } }>(
        `${V2}/logged-models/${model}`,
      )
      expect(read.data.metrics.map(({ run_id }) => run_id)).toEqual([other])
      // The keys are free again.
      await post(`${V2}/runs/log-parameter`, { run_id: run, key: 'lr', value: '0.2' })
      await post(`${V2}/runs/log-metric`, { run_id: run, key: 'loss', value: 9, timestamp: 1, step: 0 })
      expect((await dataOf(run)).metrics).toContainEqual({ key: 'loss', value: 9, timestamp: 1, step: 0 })
      expect((await deletionsOf(run)).map(({ kind, name }) => [kind, name])).toEqual([
        ['param', 'lr'],
        ['metric', 'of model'],
        ['metric', 'loss'],
      ])
    })

    it('refuses what is not there, and runs that are deleted', async () => {
      const experiment = await createExperiment(app.request, 'no parts')
      const run = await createRun(app.request, experiment)
      const metric = (run_id: string) =>
        refusal(`${OWN}/runs/hard-delete-metric`, { run_id, metric_key: 'loss' })
      expect(await metric(run)).toBe(
        `404 RESOURCE_DOES_NOT_EXIST: No metric with name: loss in run with id ${run}`,
      )
      expect(await refusal(`${OWN}/runs/hard-delete-param`, { run_id: run, param_key: 'lr' })).toBe(
        `404 RESOURCE_DOES_NOT_EXIST: No param with name: lr in run with id ${run}`,
      )
      expect(await metric(MISSING)).toBe(`404 RESOURCE_DOES_NOT_EXIST: Run with id=${MISSING} not found`)
      await removeRun(run)
      expect(await metric(run)).toBe(
        `400 INVALID_PARAMETER_VALUE: The run ${run} must be in the 'active' state. Current state is deleted.`,
      )
      await collect()
    })
  })
})
