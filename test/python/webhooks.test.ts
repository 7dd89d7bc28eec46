// Webhooks by the stock Python client, from their creation to the event that a receiver checks.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { pythonOutput } from '../support/python.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { missing } from '../support/services.ts'
import { useServer } from './servers.ts'

const ENV = {
  MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY: 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
  MLFLOW_WEBHOOK_ALLOWED_SCHEMES: 'http',
  MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: 'true',
}

const SCRIPT = `
import json, os, mlflow
from mlflow import MlflowClient
client = MlflowClient()
hook = client.create_webhook("hook", os.environ["RECEIVER"], ["model_version_alias.created", "prompt_version.created"],
                             description="about it", secret="the secret")
hook = client.update_webhook(hook.webhook_id, name="renamed")
result = client.test_webhook(hook.webhook_id, "prompt_version.created")
client.create_registered_model("m")
client.create_model_version("m", "s3://bucket/m")
client.set_registered_model_alias("m", "champion", "1")
mlflow.genai.register_prompt("p", "Hello {{you}}")
other = client.create_webhook("other", os.environ["RECEIVER"], ["prompt.created"], status="DISABLED")
client.delete_webhook(other.webhook_id)
found = client.list_webhooks()
print(json.dumps({
    "tested": [result.success, result.response_status, result.response_body],
    "found": [[w.name, w.description, str(w.status), [str(e) for e in w.events]] for w in found],
}))`

/** As MLflow's documentation tells receivers to do it. */
const VERIFY = `
import base64, hashlib, hmac, json
for line in json.loads(REQUESTS):
    signed = f"{line['id']}.{line['timestamp']}.{line['payload']}"
    assert line["signature"].startswith("v1,")
    expected = hmac.new(b"the secret", signed.encode("utf-8"), hashlib.sha256).digest()
    assert hmac.compare_digest(base64.b64encode(expected).decode(), line["signature"].removeprefix("v1,"))
print("verified")`

const reason = missing('python')

describe.skipIf(reason)(`client${reason && ` (${reason})`}`, () => {
  describeEachEngine('webhooks of the stock client', (target) => {
    const server = useServer(target, ENV)
    let receiver: Receiver
    beforeAll(async () => {
      receiver = await startReceiver()
    })
    afterAll(() => receiver.close())

    it('are made, tried out, changed and listed, and get events that the receiver can verify', async () => {
      const env = {
        MLFLOW_TRACKING_URI: server.url,
        RECEIVER: receiver.url,
        MLFLOW_DISABLE_TELEMETRY: 'true',
      }
      const printed = JSON.parse((await pythonOutput(SCRIPT, env)).trim().split('\n').at(-1) ?? '')
      expect(printed).toEqual({
        tested: [true, 200, 'ok'],
        found: [['renamed', 'about it', 'ACTIVE', ['model_version_alias.created', 'prompt_version.created']]],
      })
      const received = await receiver.until(3)
      expect(received.map(({ body }) => `${body.entity} ${body.data.name}`).sort()).toEqual([
        'model_version_alias m',
        'prompt_version example_prompt',
        'prompt_version p',
      ])
      const requests = received.map(({ headers, raw }) => ({
        id: headers['x-mlflow-delivery-id'],
        timestamp: headers['x-mlflow-timestamp'],
        signature: headers['x-mlflow-signature'],
        payload: raw,
      }))
      const script = `REQUESTS = ${JSON.stringify(JSON.stringify(requests))}${VERIFY}`
      expect((await pythonOutput(script)).trim()).toBe('verified')
    })
  })
})
