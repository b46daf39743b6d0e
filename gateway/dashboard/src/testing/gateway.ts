// A WebSocket server for tests: it says and does what the real gateway cannot be made to at will
// (lose messages, refuse, close with any code). What it says is as in docs/wire.md; the conversation
// with the real gateway is tested in tests/screens.

import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";

type Said = { type: string } & Record<string, unknown>;

/** One screen's connection, as the gateway sees it. */
export class Guest {
  readonly heard: Said[] = [];
  readonly #socket: WebSocket;
  readonly #waiting: { type: string; resolve: (said: Said) => void }[] = [];
  readonly #unseen: Said[] = [];

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      const said = JSON.parse(data.toString()) as Said;
      this.heard.push(said);
      const at = this.#waiting.findIndex((one) => one.type === said.type);
      if (at >= 0) this.#waiting.splice(at, 1)[0]?.resolve(said);
      else this.#unseen.push(said);
    });
  }

  /** The next message of a type that was not waited for yet. */
  next(type: string): Promise<Said> {
    const at = this.#unseen.findIndex((one) => one.type === type);
    if (at >= 0) return Promise.resolve(this.#unseen.splice(at, 1)[0] as Said);
    return new Promise((resolve) => this.#waiting.push({ type, resolve }));
  }

  say(type: string, members: Record<string, unknown> = {}): void {
    this.#socket.send(JSON.stringify({ type, ...members }));
  }

  /** Answers its auth. */
  async welcome(members: Record<string, unknown> = {}): Promise<void> {
    await this.next("auth");
    this.say("connected", {
      clientId: "me",
      tenantId: "permian",
      subject: "ann",
      role: "operator",
      expiresAt: "2099-01-01T00:00:00Z",
      serverTime: new Date().toISOString(),
      ...members,
    });
  }

  /** Ends it with a close code. */
  close(code: number): void {
    this.#socket.close(code);
  }

  /** Ends it as a cable does. */
  cut(): void {
    this.#socket.terminate();
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }
}

export class TestGateway {
  readonly #server: WebSocketServer;
  readonly #arrived: Guest[] = [];
  readonly #waiting: ((guest: Guest) => void)[] = [];

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on("connection", (socket) => {
      const guest = new Guest(socket);
      const waits = this.#waiting.shift();
      if (waits !== undefined) waits(guest);
      else this.#arrived.push(guest);
    });
  }

  /** Listens on a free port, or on one that was free. */
  static async start(port = 0): Promise<TestGateway> {
    const server = new WebSocketServer({ host: "127.0.0.1", port });
    await new Promise((resolve) => server.once("listening", resolve));
    return new TestGateway(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** The next screen that connects. */
  guest(): Promise<Guest> {
    const one = this.#arrived.shift();
    if (one !== undefined) return Promise.resolve(one);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  stop(): Promise<unknown> {
    for (const client of this.#server.clients) client.terminate();
    return new Promise((resolve) => this.#server.close(resolve));
  }
}

/** How the browser's WebSocket looks; node's own has another shape of events in some versions. */
export function makeSocket(url: string): globalThis.WebSocket {
  return new WebSocket(url) as unknown as globalThis.WebSocket;
}
