/**
 * The part of Amazon's client for Node (aws-lambda-ric) that is written in C++, in JavaScript, so that nothing has to be
 * compiled: asks for events, and tells what became of them before it returns. In Lambda it blocks as well.
 */
const { request } = require('node:http')
const { Worker } = require('node:worker_threads')

const api = process.env.AWS_LAMBDA_RUNTIME_API
const path = '/2018-06-01/runtime/invocation'
const answered = new Int32Array(new SharedArrayBuffer(4))

/** Speaks while the thread that asked it waits. */
const speaker = new Worker(
  `const { request } = require('node:http')
const { parentPort, workerData } = require('node:worker_threads')
parentPort.on('message', ({ url, body, headers }) => {
  const tell = status => {
    Atomics.store(workerData, 0, status)
    Atomics.notify(workerData, 0)
  }
  request(url, { method: 'POST', headers }, answer => answer.resume().on('end', () => tell(answer.statusCode)))
    .on('error', () => tell(-1))
    .end(body)
})`,
  { eval: true, workerData: answered, execArgv: [] },
)
speaker.unref()

function post(what, body, headers) {
  Atomics.store(answered, 0, 0)
  speaker.postMessage({ url: `http://${api}${path}/${what}`, body, headers })
  Atomics.wait(answered, 0, 0)
}

exports.next = () =>
  new Promise((resolve, reject) => {
    request(`http://${api}${path}/next`, answer => {
      const pieces = []
      answer.on('data', piece => pieces.push(piece))
      answer.on('end', () => {
        const { headers } = answer
        resolve({ bodyJson: Buffer.concat(pieces).toString(), headers })
      })
    })
      .on('error', reject)
      .end()
  })
exports.done = (id, body) => post(`${id}/response`, body, { 'Content-Type': 'application/json' })
exports.error = (id, body) => post(`${id}/error`, body, { 'Content-Type': 'application/json' })
