// Connects, says what stdin says line by line, prints what it gets line by line.
const WebSocket = require("ws");
const readline = require("node:readline");

const [url, token] = process.argv.slice(2);
const headers = token ? { Authorization: `Bearer ${token}` } : {};
const socket = new WebSocket(url, { headers });

const print = (message) => process.stdout.write(JSON.stringify(message) + "\n");

socket.on("open", () => {
  print({ event: "open", extensions: socket.extensions });
  readline
    .createInterface({ input: process.stdin })
    .on("line", (line) => socket.send(line))
    .on("close", () => socket.close(1000));
});
socket.on("message", (data, isBinary) => print({ event: "message", isBinary, text: data.toString() }));
socket.on("ping", () => print({ event: "ping" }));
socket.on("unexpected-response", (request, response) => {
  print({ event: "refused", status: response.statusCode });
  request.destroy();
});
socket.on("error", (error) => print({ event: "error", message: error.message }));
socket.on("close", (code, reason) => print({ event: "close", code, reason: reason.toString() }));
