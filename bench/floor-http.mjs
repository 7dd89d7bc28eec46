// A server that reads any request as JSON, answers one JSON text to all of them, and does nothing else.
import { readFileSync } from 'node:fs'
import fastify from 'fastify'

const [answerFile, port] = process.argv.slice(2)
const answer = JSON.parse(readFileSync(answerFile, 'utf8'))
const app = fastify()
app.get('/health', () => 'OK')
app.all('/*', (_, reply) => reply.type('application/json').send(JSON.stringify(answer)))
await app.listen({ port: Number(port), host: '127.0.0.1' })
